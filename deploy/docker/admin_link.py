"""The secret part of the admin link. It is kept, because containers start again without anybody to read a new one."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from deploy.local.secrets import write_private

FILE = "admin-token.json"
KEY = "admin_token"


def load_admin_token(folder: Path) -> str:
    """The one in `folder`, made at the first call. It opens the console once after each start of the console."""
    file = folder / FILE
    try:
        return str(json.loads(file.read_text())[KEY])
    except FileNotFoundError:
        token = secrets.token_urlsafe(24)
        write_private(file, {KEY: token})
        return token
