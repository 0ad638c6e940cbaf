"""What services of a local installation are set to: the user's own, and the sandbox where there is nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.local.secrets import Secrets
from services.runtime.ports import Ports

TWILIO, SENDGRID = "twilio", "sendgrid"
CREDENTIAL = {TWILIO: "PEAL_TWILIO_ACCOUNT_SID", SENDGRID: "PEAL_SENDGRID_API_KEY"}
"""The setting that says that a provider is the user's own."""
OWN = frozenset({"PEAL_DATA_DIR", "PEAL_PORT_BASE", "PEAL_JARS_DIR", "PEAL_INSTANCE"})
"""Settings of the starting command itself; services are given theirs."""

SANDBOX_RATE = "200"
"""Messages a second of the sandbox's accounts."""
SANDBOX_TWILIO = {
    "PEAL_TWILIO_ACCOUNT_SID": "AC" + "5a" * 16,
    "PEAL_TWILIO_AUTH_TOKEN": "sandbox-auth-token",
    "PEAL_TWILIO_FROM": "+15005550006",
    "PEAL_TWILIO_WHATSAPP_FROM": "+14155238886",
}
SANDBOX_SENDGRID = {"PEAL_SENDGRID_API_KEY": "SG.sandbox", "PEAL_SENDGRID_FROM": "campaigns@peal.example"}


def sandboxed_providers(given: Mapping[str, str]) -> list[str]:
    """The providers that the user has not set up, for which the sandbox stands in."""
    return [provider for provider, name in CREDENTIAL.items() if not given.get(name)]


def shared_environment(
    given: Mapping[str, str], ports: Ports, secrets: Secrets, sandbox_url: str = ""
) -> dict[str, str]:
    """What every service gets: `given` (the `PEAL_` settings of the shell) over what an installation has of itself.

    `sandbox_url`: where the sandbox is; empty: on this machine.
    """
    mine = {name: value for name, value in given.items() if name.startswith("PEAL_") and name not in OWN and value}
    environment = {
        "PEAL_MASTER_KEY": secrets.master_key.get_secret_value(),
        "PEAL_LINK_SECRET": secrets.link_secret.get_secret_value(),
    }
    for provider in sandboxed_providers(mine):
        environment |= _sandbox(provider, sandbox_url or f"http://127.0.0.1:{ports.sandbox}", secrets)
    return environment | mine


def service_environments(given: Mapping[str, str], secrets: Secrets, admin_token: str) -> dict[str, dict[str, str]]:
    """What a service gets beyond that. The sandbox never sees the credentials of a real provider."""
    private_key = secrets.sandbox_sendgrid_private_key.get_secret_value()
    sandbox = SANDBOX_TWILIO | SANDBOX_SENDGRID | {"PEAL_SANDBOX_SENDGRID_PRIVATE_KEY": private_key}
    api_key = given.get("PEAL_API_KEY") or secrets.api_key.get_secret_value()
    console = {"PEAL_API_KEY": api_key, "PEAL_ADMIN_TOKEN": admin_token}
    return {"sandbox": sandbox, "console": console}


def _sandbox(provider: str, url: str, secrets: Secrets) -> dict[str, str]:
    if provider == TWILIO:
        rates = {"PEAL_RATE_SMS": SANDBOX_RATE, "PEAL_RATE_WHATSAPP": SANDBOX_RATE}
        return SANDBOX_TWILIO | rates | {"PEAL_TWILIO_BASE_URL": url}
    keys = {"PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY": secrets.sendgrid_public_key}
    return SANDBOX_SENDGRID | keys | {"PEAL_RATE_EMAIL": SANDBOX_RATE, "PEAL_SENDGRID_BASE_URL": url}
