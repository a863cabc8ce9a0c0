"""`LAN=1`: https for the phones of this network, with a certificate this installation makes."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from core.place import remember

VALID_FOR = timedelta(days=397)  # browsers refuse longer
RENEW_BEFORE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate and the addresses it vouches for."""

    certificate: Path
    key: Path
    addresses: tuple[str, ...]


def certificate_for(home: Path, *, at: datetime) -> Certificate:
    """Return a certificate for this machine's present addresses; made anew when they change."""
    folder = home / "tls"
    folder.mkdir(exist_ok=True, mode=0o700)
    found = Certificate(folder / "cert.pem", folder / "key.pem", addresses())
    if not _still_good(found, at):
        _make(home, found, at)
    return found


def addresses() -> tuple[str, ...]:
    """Return loopback and the address by which this machine reaches its network."""
    found = ["127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only chooses the way out
            found.append(str(probe.getsockname()[0]))
        except OSError:
            pass  # no network: loopback is all there is
    return tuple(dict.fromkeys(found))


def _still_good(found: Certificate, at: datetime) -> bool:
    if not found.certificate.exists() or not found.key.exists():
        return False
    known = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    names = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    vouched = {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}
    return set(found.addresses) <= vouched and known.not_valid_after_utc - at > RENEW_BEFORE


def _make(home: Path, wanted: Certificate, at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, socket.gethostname()[:64])])
    others: list[x509.GeneralName] = [x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + VALID_FOR)
        .add_extension(
            x509.SubjectAlternativeName(
                others + [x509.IPAddress(ipaddress.ip_address(a)) for a in wanted.addresses]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    remember(home, "tls/key.pem", secret.decode().strip())
    remember(home, "tls/cert.pem", made.public_bytes(serialization.Encoding.PEM).decode().strip())
