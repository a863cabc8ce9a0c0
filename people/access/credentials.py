"""The file of a demonstration's passwords: `.local/credentials.json`, for its owner only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Credentials:
    """What the file holds: accounts by username, and API keys by name."""

    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    api_keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Credentials:
        """Return what an earlier seeding wrote; a missing or broken file counts as empty."""
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            accounts = {line["username"]: dict(line) for line in found["accounts"]}
            keys = dict(found["api_keys"]) | {"open311": found["open311_api_key"]}
        except (OSError, ValueError, KeyError, TypeError):
            return cls()
        return cls(accounts, keys)

    def tell(self, username: str, password: str, *, role: str, area: str) -> None:
        """Remember an account's new password."""
        line = {"username": username, "password": password, "role": str(role), "area": area}
        self.accounts[username] = line

    def keep_only(self, usernames: set[str]) -> None:
        """Forget accounts that are no longer planned."""
        self.accounts = {k: line for k, line in self.accounts.items() if k in usernames}

    def write(self, path: Path) -> None:
        """Write the file whole or not at all, readable by its owner only (0600)."""
        body = {
            "accounts": list(self.accounts.values()),
            "open311_api_key": self.api_keys.get("open311", ""),
            "api_keys": {name: key for name, key in self.api_keys.items() if name != "open311"},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, ensure_ascii=False, indent=1)
            file.write("\n")
        draft.replace(path)
