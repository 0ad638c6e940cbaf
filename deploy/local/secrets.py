"""The secrets of an installation on this machine: made once, kept in `secrets.json` in its data directory."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from deploy.local.errors import LocalError

FILE = "secrets.json"


class SecretsError(LocalError):
    """The file cannot be used; the text says why and what to do."""


class Secrets(BaseModel):
    """`sandbox_sendgrid_private_key` (base64 DER, P-256) signs the sandbox's mail events; the tracker gets its public
    half."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr
    master_key: SecretStr
    link_secret: SecretStr
    sandbox_sendgrid_private_key: SecretStr

    @classmethod
    def make(cls) -> Self:
        private = ec.generate_private_key(ec.SECP256R1())
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return cls(
            api_key=SecretStr("peal_" + secrets.token_urlsafe(24)),
            master_key=SecretStr(Fernet.generate_key().decode()),
            link_secret=SecretStr(secrets.token_urlsafe(32)),
            sandbox_sendgrid_private_key=SecretStr(base64.b64encode(der).decode()),
        )

    @property
    def sendgrid_public_key(self) -> str:
        """Base64 DER, as SendGrid's settings page shows it."""
        der = base64.b64decode(self.sandbox_sendgrid_private_key.get_secret_value())
        public = load_der_private_key(der, None).public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def load_secrets(data_dir: Path) -> Secrets:
    """Those of `data_dir`, made at the first call, readable by their owner alone. Raises SecretsError."""
    file = data_dir / FILE
    try:
        return Secrets.model_validate_json(file.read_text())
    except FileNotFoundError:
        made = Secrets.make()
        data_dir.mkdir(parents=True, exist_ok=True)
        write_private(file, {name: value.get_secret_value() for name, value in made})
        return made
    except (ValidationError, OSError) as error:
        reason = (
            "is not what Peal wrote" if isinstance(error, ValidationError) else f"cannot be read ({error.strerror})"
        )
        raise SecretsError(
            f"{file} {reason}: put back a copy; without it the stored credentials of accounts cannot be read"
        ) from None


def write_private(file: Path, content: dict[str, str]) -> None:
    """Write JSON that only the owner can read, whole or not at all."""
    temporary = file.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(content, opened, indent=2)
        opened.write("\n")
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)
