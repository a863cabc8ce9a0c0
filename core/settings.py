"""Everything an installation can set, from the environment or `.env`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """One installation's settings; an unset URL falls back to what the embedded servers wrote."""

    model_config = SettingsConfigDict(env_prefix="YIWANG_", env_file=ROOT / ".env", extra="ignore")

    home: Path = ROOT / ".local"
    database_url: str = ""
    web_database_url: str = ""
    worker_database_url: str = ""
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8050
    lan: bool = False  # https beside it, for the phones of this network
    lan_port: int = 8443
    demo: bool = False
    simulate: int = 0
    simulate_speed: float = 1.0
    seed: int = 430121
    tz: str = "Asia/Shanghai"
    zone: Literal["inner", "outer", "both"] = "both"
    basemap: str = ""
    map_approval: str = ""  # 审图号
    crypto: Literal["intl", "gm"] = "intl"
    retain_days: int = 1095  # reporters of ended cases; `yiwang privacy retain` erases older ones
    egress_proxy: str = ""
    alert_webhook_url: str = ""
    alert_webhook_secret: str = ""
    alert_webhook_allow: str = ""  # inner networks and hosts a gateway may stand in
    rate_scale: float = 1.0
    metrics_key: str = ""
    log_level: str = "INFO"
    workers: int = 2
    web_processes: int = 1

    def owner_dsn(self) -> str:
        """Return the owner's database URL, which migrates and dumps."""
        return self.database_url or self._written("database_url")

    def web_dsn(self) -> str:
        """Return the web login's URL, or the owner's (the connection then drops its role)."""
        return self.web_database_url or self._written("web_database_url") or self.owner_dsn()

    def worker_dsn(self) -> str:
        """Return the worker login's URL, or the owner's (the connection then drops its role)."""
        return self.worker_database_url or self._written("worker_database_url") or self.owner_dsn()

    def redis_dsn(self) -> str:
        """Return the Redis URL."""
        return self.redis_url or self._written("redis_url")

    def _written(self, name: str) -> str:
        """Read what the embedded servers wrote under `home`; an explicit owner URL wins over it."""
        if name != "redis_url" and self.database_url:
            return ""
        path = self.home / name
        return path.read_text().strip() if path.exists() else ""


@cache
def settings() -> Settings:
    """Return this process's settings, read once."""
    return Settings()
