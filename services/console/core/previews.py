"""What one person would get of what is written so far, made by the functions that the senders use."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any, Final

from pydantic import BaseModel

from schemas import Account, Brand, Channel, Content
from schemas.base import DEFAULT_ACCOUNT
from services.console.core.sheets import Written
from services.domain.campaigns import AccountLookup
from services.domain.clicks import ClickLinks
from services.domain.content import (
    Finding,
    Footer,
    Links,
    RenderedEmail,
    RenderedSms,
    RenderProblem,
    TemplateProblem,
    compile_content,
    findings,
    follows_body,
    look_of,
    message_cost,
    present,
    render,
    render_plain,
)

UNSENDABLE: Final = frozenset({Channel.PUSH, Channel.SOCIAL})
_ANY_KEY: Final = "-"
"""A tracked link is as long under every secret."""


class Found(BaseModel):
    field: str
    problem: str
    message: str
    line: int = 0
    """From 1; 0: it is not about a place in a text."""
    column: int = 0


class Person(BaseModel):
    """Whose message is shown."""

    contact: str = ""
    """Empty: made up."""
    name: str = ""
    email: str = ""
    phone: str = ""
    data: dict[str, Any] = {}


class ChannelPreview(BaseModel):
    channel: str
    follows_body: bool
    template: str = ""
    """Of the library, that the content is from."""
    to: str = ""
    sender: str = ""
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    """Of an SMS, a WhatsApp message, a push message or a post; a mail's plain text."""
    title: str = ""
    link: str = ""
    image: str = ""
    content_sid: str = ""
    """Of an approved WhatsApp template, which Twilio fills with `variables`."""
    variables: dict[str, str] = {}
    encoding: str = ""
    segments: int = 0
    units: int = 0
    """Septets of GSM-7, or 16-bit units of UCS-2."""
    cost_micros: int | None = None
    """At most; None: no account is connected."""
    currency: str = ""
    missing: list[str] = []
    """What this person lacks and the message cannot do without: they would not get it."""
    problems: list[Found] = []


@dataclass(frozen=True)
class Around:
    """What a message depends on besides the words."""

    brand: Brand
    accounts: AccountLookup
    public_url: str
    campaign_id: str
    known: Collection[str] | None
    """Attributes that people may have; None: not known now."""
    links_signed: bool = True


def preview(written: Written, channel: Channel, person: Person, around: Around) -> ChannelPreview:
    """Of one channel. Whatever cannot be rendered is left empty, and `problems` says why."""
    account = around.accounts(channel.value, written.accounts.get(channel.value, DEFAULT_ACCOUNT))
    found = [Found(**error.model_dump()) for error in written.errors_of(channel)]
    content = Content(**{channel.value: getattr(written.content, channel.value)})
    if channel not in UNSENDABLE:
        told = findings(channel, content, written.body, name=written.name or "-", known=around.known)
        found += [_found(each) for each in told]
    template = written.templates.get(channel)
    shown = ChannelPreview(
        channel=channel.value,
        follows_body=template is None and follows_body(channel, content),
        template=template.template_id if template else "",
        to=_address(person, channel),
        sender=_sender(account, around.brand, channel),
        problems=found,
    )
    if any(each.problem != "unknown_placeholder" for each in found):
        return shown
    try:
        made = (_plain if channel in UNSENDABLE else _rendered)(written, channel, content, person, account, around)
    except TemplateProblem as problem:
        more = Finding.of(problem)
    except RenderProblem as problem:
        more = Finding(problem.field, "not_rendered", f"with this person's data: {problem.message}")
    else:
        return shown.model_copy(update=made)
    return shown.model_copy(update={"problems": [*found, _found(more)]})


def _rendered(
    written: Written, channel: Channel, content: Content, person: Person, account: Account | None, around: Around
) -> dict[str, Any]:
    marketing = written.kind != "transactional"
    compiled = compile_content(
        channel, content, written.body, name=written.name or "-",
        footer=Footer(around.brand.postal_address, unsubscribe=marketing), look=look_of(around.brand),
        tracked=around.links_signed and written.tracking.links,
    )  # fmt: skip
    url = around.public_url.rstrip("/")
    tracked = ClickLinks(url, _ANY_KEY, around.campaign_id, 1, 0, 1) if compiled.tracks else None
    made = render(compiled, person.data, Links(f"{url}/u/preview", f"{url}/p/preview", tracked))
    lacking = compiled.required - set(written.send_without) - present(person.data).keys()
    found: dict[str, Any] = {"missing": sorted(lacking)}
    if account is not None:
        cost = message_cost(account.rate_card, channel.value, _address(person, channel), made)
        found |= {"cost_micros": cost, "currency": account.rate_card.currency}
    if isinstance(made, RenderedEmail):
        return found | {
            "subject": made.subject, "preheader": made.preheader, "html": made.html, "text": made.text,
        }  # fmt: skip
    if isinstance(made, RenderedSms):
        parts = made.segments
        return found | {
            "text": made.text, "encoding": parts.encoding, "segments": parts.count, "units": parts.units,
        }  # fmt: skip
    return found | {"text": made.text or "", "content_sid": made.template or "", "variables": made.variables}


def _plain(
    written: Written, channel: Channel, content: Content, person: Person, account: Account | None, around: Around
) -> dict[str, Any]:
    """As it would be, by a channel that nothing can be sent by yet."""
    made = render_plain(channel, content, written.body, written.name or "-", person.data)
    note = Found(
        field="channels", problem="unsupported_channel", message=f"nothing can be sent by {channel.value} yet"
    )  # fmt: skip
    return made._asdict() | {"problems": [note]}


def consistency(written: Written) -> float | None:
    """Which share of the channels says what the message body says; None: there are no channels."""
    if not written.channels:
        return None
    following = [
        channel for channel in written.channels
        if channel not in written.templates and follows_body(channel, written.content)
    ]  # fmt: skip
    return round(len(following) / len(written.channels), 4)


def _sender(account: Account | None, brand: Brand, channel: Channel) -> str:
    if account is None:
        return ""
    if channel is not Channel.EMAIL:
        return account.sender
    name, address = parseaddr(account.sender)
    return formataddr((name or brand.from_name, address), charset="utf-8") if name or brand.from_name else address


def _address(person: Person, channel: Channel) -> str:
    return person.email if channel is Channel.EMAIL else "" if channel in UNSENDABLE else person.phone


def _found(finding: Finding) -> Found:
    return Found(**finding._asdict())
