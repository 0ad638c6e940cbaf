"""Settings of the sandbox."""

from __future__ import annotations

from pydantic import Field, SecretStr

from services.runtime.settings import Settings

ACCOUNT_SID = "AC" + "5a" * 16
AUTH_TOKEN = "sandbox-auth-token"  # noqa: S105  # opens nothing but the sandbox
API_KEY = "SG.sandbox"


class SandboxSettings(Settings):
    """Credentials that the pretend providers take, the world they live in, and where their callbacks go."""

    twilio_account_sid: str = ACCOUNT_SID
    twilio_auth_token: SecretStr = SecretStr(AUTH_TOKEN)
    sendgrid_api_key: SecretStr = SecretStr(API_KEY)
    sandbox_twilio_accounts: dict[str, SecretStr] = Field(
        default_factory=dict, description="further Twilio accounts, JSON: {sid: token}"
    )
    sandbox_sendgrid_keys: tuple[SecretStr, ...] = Field((), description="further SendGrid keys, JSON: [key]")
    sandbox_sendgrid_private_key: SecretStr = Field(
        SecretStr(""), description="P-256 key that events are signed with, PEM or base64 DER; empty: made once and kept"
    )
    sandbox_seed: int | None = Field(None, ge=-(2**63), lt=2**63, description="of the world; empty: the world's own")
    sandbox_world: str = Field("sample", description="calm, sample, storm, bench, or JSON of knobs")
    sandbox_callback_url: str = Field(
        "", description="where callbacks go, if not to PEAL_PUBLIC_URL, for which they are signed"
    )

    def twilio_accounts(self) -> dict[str, str]:
        """Auth token by account SID."""
        tokens = {self.twilio_account_sid: self.twilio_auth_token} | self.sandbox_twilio_accounts
        return {sid: token.get_secret_value() for sid, token in tokens.items()}

    def sendgrid_keys(self) -> set[str]:
        return {key.get_secret_value() for key in (self.sendgrid_api_key, *self.sandbox_sendgrid_keys)}
