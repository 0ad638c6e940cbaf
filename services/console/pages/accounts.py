"""The accounts' pages: how each stands, connecting one, changing and disconnecting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import DEFAULT_ACCOUNT, Account, CampaignStatus
from services.console.accounts import accounts_of, drafts_with, standing_of, users_of
from services.console.api.accounts import own
from services.console.core.accounts import PROVIDERS
from services.console.core.connecting import USUAL_RATE
from services.console.hub import Hub, HubOf
from services.console.pages.common import Visitor, page
from services.console.texts import gettext

router = APIRouter(prefix="/accounts")
LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  compared with, not listened on


@dataclass(frozen=True)
class Callback:
    """An address to be entered at the provider."""

    says: str
    url: str


@router.get("")
async def listing(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    standings = accounts_of(hub, visitor.brand)
    return page(
        request, "accounts/list.html", standings=standings, providers=PROVIDERS,
        missing=[name for name in ("email", "sms", "whatsapp") if name not in {s.account.channel for s in standings}],
    )  # fmt: skip


@router.get("/connect")
async def connect(request: Request, hub: HubOf, _visitor: Visitor) -> HTMLResponse:
    return page(
        request, "accounts/connect.html", usual={channel.value: rate for channel, rate in USUAL_RATE.items()},
        currency=hub.settings.currency, keyless=not hub.settings.master_key.get_secret_value(),
    )  # fmt: skip


@router.get("/{account_id}")
async def show(account_id: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    account = own(hub, visitor, account_id)
    return page(
        request, "accounts/account.html", standing=standing_of(hub, account), account=account, providers=PROVIDERS,
        users=users_of(hub, account), drafts=drafts_with(hub, visitor, account),
        callbacks=callbacks_of(hub, account), unreachable=_is_local(hub),
    )  # fmt: skip


@router.get("/{account_id}/disconnect")
async def ask_to_disconnect(account_id: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """The content of the dialog."""
    account = own(hub, visitor, account_id)
    users = users_of(hub, account)
    running = [record for record in users if record.status is not CampaignStatus.DRAFT]
    drafts = [record.name for record in users if record not in running] + drafts_with(hub, visitor, account)
    return page(request, "accounts/disconnect.html", account=account, drafts=drafts, running=running)


def callbacks_of(hub: Hub, account: Account) -> list[Callback]:
    base = hub.settings.public_url.rstrip("/")
    if account.provider == "sendgrid":
        query = "" if account.account_id == DEFAULT_ACCOUNT else f"?account={account.account_id}"
        says = gettext("At SendGrid under Mail Settings, Event Webhook: what became of each mail")
        return [Callback(says, f"{base}/webhooks/sendgrid/events{query}")]
    says = gettext("At Twilio, of the number or the messaging service, “A message comes in”: answers and STOP")
    return [Callback(says, f"{base}/webhooks/twilio/inbound")]


def _is_local(hub: Hub) -> bool:
    """Then no provider can call back; the sandbox can."""
    return (urlsplit(hub.settings.public_url).hostname or "") in LOCAL and not hub.sandboxed
