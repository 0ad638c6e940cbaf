"""Tracked links, `/r/{token}`: which link of which send was followed, and where it leads.

A token is base64url(MAC + campaign's tag + numbers + target). The MAC is the first 8 bytes of HMAC-SHA256 over the
campaign's id and the rest, so no token, and above all no target, can be made by anyone else: this is no open redirect.
The campaign's own link is not in the token but read from the campaign when it is followed. That keeps the token of an
SMS at 19 to 26 characters, and mending the link mends it in the messages that are out. Every other target is in it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from schemas import CampaignRecord
from services.domain.links import CLICK, BadTokenError, purpose_key, token_bytes

MAC_BYTES: Final = 8
TAG_BYTES: Final = 4
LONGEST_TOKEN: Final = 8_192
LONGEST_URL: Final = 4_000
"""Characters: what is longer stays as it is, for a longer token would be cut off on its way."""


class Click(NamedTuple):
    """One link of one attempt of one send."""

    campaign_id: str
    step: int
    ord: int
    attempt: int
    url: str = ""
    """Where it leads; empty: to the campaign's own link."""


class ClickLinks(NamedTuple):
    """Makes the tracked links of one attempt of one send."""

    public_url: str
    secret: str
    campaign_id: str
    step: int
    ord: int
    attempt: int

    def link(self, url: str, *, own: bool) -> str:
        """`own`: the campaign's link, the same for everybody. What is no web page stays as it is."""
        if not trackable(url):
            return url
        click = Click(self.campaign_id, self.step, self.ord, self.attempt, "" if own else url)
        return f"{self.public_url}/r/{make_click_token(self.secret, click)}"


def trackable(url: str) -> bool:
    return url[:8].lower().startswith(("http://", "https://")) and len(url) <= LONGEST_URL


def campaign_tag(campaign_id: str) -> bytes:
    """Tells campaigns apart, nearly: whoever reads a token tries each that has this tag."""
    return hashlib.sha256(campaign_id.encode()).digest()[:TAG_BYTES]


def make_click_token(secret: str, click: Click) -> str:
    """URL-safe, no padding. Raises ValueError where the secret is empty."""
    numbers = _varint(click.ord) + _varint(click.step)
    if click.attempt != 1 or click.url:
        numbers += _varint(click.attempt)
    body = campaign_tag(click.campaign_id) + numbers + click.url.encode()
    return base64.urlsafe_b64encode(_mac(secret, click.campaign_id, body) + body).rstrip(b"=").decode()


def read_click_token(secret: str, token: str, campaigns: Callable[[bytes], Iterable[str]]) -> Click:
    """What `make_click_token` was given. `campaigns`: ids of those with a tag. Raises `BadTokenError` for all else."""
    raw = token_bytes(token, LONGEST_TOKEN)
    mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
    for campaign_id in campaigns(body[:TAG_BYTES]):
        if hmac.compare_digest(mac, _mac(secret, campaign_id, body)):
            return _click(campaign_id, body[TAG_BYTES:])
    raise BadTokenError("not signed by us for a campaign that is known")


def _mac(secret: str, campaign_id: str, body: bytes) -> bytes:
    return hmac.digest(purpose_key(secret, CLICK), campaign_id.encode() + b"\0" + body, "sha256")[:MAC_BYTES]


def _click(campaign_id: str, body: bytes) -> Click:
    ordinal, at = _read_varint(body, 0)
    step, at = _read_varint(body, at)
    attempt, at = _read_varint(body, at) if at < len(body) else (1, at)
    return Click(campaign_id, step, ordinal, attempt, body[at:].decode())


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    """The number, and where the next thing begins. The bytes are signed, so they are whole."""
    number = shift = 0
    while True:
        byte = body[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at


def target_of(click: Click, campaign: CampaignRecord, query: str = "") -> str | None:
    """Where the link leads, with the campaign's UTM parameters; None: nowhere any more.

    `query`: what the author put behind `{{ link }}` in the message.
    """
    own = campaign.body.link or ""
    url = click.url or ("" if "{{" in own or "{%" in own else own)
    if not trackable(url) or not 1 <= click.step <= len(campaign.steps):
        return None
    parts = urlsplit(url)
    given = parse_qsl(query, keep_blank_values=True)
    named = {name for name, _ in (*parse_qsl(parts.query, keep_blank_values=True), *given)}
    added = [*given, *((name, value) for name, value in utm(click, campaign) if name not in named)]
    joined = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return ascii_url(urlunsplit(parts._replace(query=joined)))


def utm(click: Click, campaign: CampaignRecord) -> list[tuple[str, str]]:
    """Name and value; a parameter that the campaign sets to "" is left out."""
    tracking = campaign.tracking
    source = "peal" if campaign.brand == "default" else campaign.brand
    values = (
        ("utm_source", source if tracking.utm_source is None else tracking.utm_source),
        ("utm_medium", campaign.steps[click.step - 1].channel.value if tracking.utm_medium is None
         else tracking.utm_medium),
        ("utm_campaign", campaign.campaign_id if tracking.utm_campaign is None else tracking.utm_campaign),
    )  # fmt: skip
    return [(name, value) for name, value in values if value]


def ascii_url(url: str) -> str:
    """As a header may carry it: other characters, spaces and line ends percent-encoded; the rest unchanged."""
    parts = urlsplit(url)
    try:
        host = parts.netloc.encode("idna").decode() if not parts.netloc.isascii() else parts.netloc
    except UnicodeError:
        host = quote(parts.netloc, safe="@:[]%")
    safe = "!#$%&'()*+,/:;=?@[]~"
    return urlunsplit(parts._replace(
        netloc=host, path=quote(parts.path, safe=safe), query=quote(parts.query, safe=safe),
        fragment=quote(parts.fragment, safe=safe),
    ))  # fmt: skip
