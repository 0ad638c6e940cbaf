"""The pages: who received something, what one person received, and what they do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jinja2
from aiohttp import web
from markupsafe import escape

from services.sandbox.core.records import Inbound, MailRecord, PhoneRecord, Record
from services.sandbox.core.store import Person
from services.sandbox.sandbox import Sandbox

_SHOWN = 200
_ADDRESSES = 4
"""Of one person, in the list of people."""
_ACTS = {"open", "click", "unsubscribe", "spamreport"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; form-action 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("services.sandbox"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.people),
            web.get("/inbox/{to}", self.inbox, name="inbox"),
            web.post("/inbox/{to}/reply", self.reply),
            web.post("/inbox/{to}/mails/{number}/{act}", self.act),
        ]

    async def people(self, request: web.Request) -> web.Response:
        """People who received something, those of the search, latest first."""
        search = request.query.get("search", "").strip().lower()
        everyone = self._sandbox.store.people().values()
        found = [one for one in everyone if not search or search in one.key.lower() or _matches(one, search)]
        found.sort(key=lambda one: one.numbers[-1], reverse=True)
        shown = [self._summary(one) for one in found[:_SHOWN]]
        return self._page("people.html", search=search, people=shown, found=len(found), shown=len(shown))

    async def inbox(self, request: web.Request) -> web.Response:
        """Everything one person received and wrote, over all channels, oldest first."""
        who = request.match_info["to"]
        people = self._sandbox.store.people_at(who)
        addresses = {address for one in people for address in one.addresses}
        records = [self._sandbox.store.records[number - 1] for one in people for number in one.numbers]
        entries = [_entry(record) for record in records[-_SHOWN:]]
        entries += [_written(message) for message in self._sandbox.store.written_by(addresses)]
        entries.sort(key=lambda entry: entry["at"])
        phones = sorted({(record.channel, record.to) for record in records if isinstance(record, PhoneRecord)})
        standing = self._sandbox.books.standing
        stopped = [f"{channel} {number}" for channel, number in phones if (channel, number) in standing.opted_out]
        return self._page(
            "inbox.html", status=200 if people else 404, who=who, addresses=sorted(addresses), entries=entries,
            phones=phones, stopped=stopped, notice=request.query.get("notice", ""),
        )  # fmt: skip

    async def reply(self, request: web.Request) -> web.Response:
        """The person writes back by SMS or WhatsApp."""
        _same_site(request)
        who = request.match_info["to"]
        form = await request.post()
        channel, _, number = str(form.get("from", "")).partition(" ")
        text = str(form.get("word") or form.get("text", "")).strip()
        last = self._last_message(who, channel, number)
        if last is None or not text:
            raise _back(request, who, "Nothing was sent: write something, to someone who wrote to you.")
        if not last.answer_to:
            raise _back(request, who, f"Nothing was sent: {last.sender} is a word, which phones cannot answer.")
        message = self._sandbox.write(channel, last.to, last.answer_to, last.account_sid, text)
        raise _back(request, who, f"Sent: {message.text}")

    async def act(self, request: web.Request) -> web.Response:
        """The person opens, clicks, unsubscribes or complains; `one-click` does what RFC 8058 lets mail programs do."""
        _same_site(request)
        who, act = request.match_info["to"], request.match_info["act"]
        number = int(request.match_info["number"]) if request.match_info["number"].isdecimal() else 0
        record = self._sandbox.store.records[number - 1] if 0 < number < self._sandbox.store.next_number() else None
        if not isinstance(record, MailRecord):
            raise web.HTTPNotFound(text="There is no such mail.")
        if act == "one-click":
            raise _back(request, who, await _one_click(record))
        if act not in _ACTS:
            raise web.HTTPNotFound(text=f"A mail can be answered by {', '.join(sorted(_ACTS))} or one-click.")
        self._sandbox.act(record, act)
        raise _back(request, who, f"Done: {act}")

    def _last_message(self, who: str, channel: str, number: str) -> PhoneRecord | None:
        for person in self._sandbox.store.people_at(who):
            for place in reversed(person.numbers):
                record = self._sandbox.store.records[place - 1]
                if isinstance(record, PhoneRecord) and (record.channel, record.to) == (channel, number):
                    return record
        return None

    def _summary(self, person: Person) -> dict[str, Any]:
        last = self._sandbox.store.records[person.numbers[-1] - 1]
        return {"key": person.key, "addresses": sorted(person.addresses)[:_ADDRESSES], "messages": len(person.numbers),
                "last": _clock(last.received_at), "channel": last.channel}  # fmt: skip

    def _page(self, template: str, status: int = 200, **values: Any) -> web.Response:
        text = self._templates.get_template(template).render(
            **values, world=self._sandbox.world, accepted=self._sandbox.store.by_channel
        )
        return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def _matches(person: Person, search: str) -> bool:
    return any(search in address for address in person.addresses)


def _entry(record: Record) -> dict[str, Any]:
    common = {"at": record.received_at, "time": _clock(record.received_at), "channel": record.channel,
              "send_id": record.identity.send_id, "attempt": record.identity.attempt, "to": record.to}  # fmt: skip
    if not isinstance(record, MailRecord):
        return common | {"kind": "received", "sender": record.sender or record.service, "text": record.body()}
    html = record.rendered(record.group.html) or f"<pre>{escape(record.rendered(record.group.text))}</pre>"
    return common | {
        "kind": "mail", "number": record.number, "sender": record.group.sender, "subject": record.rendered_subject(),
        "document": f'<base target="_blank">{html}', "one_click": bool(_one_click_url(record)),
    }  # fmt: skip


def _written(message: Inbound) -> dict[str, Any]:
    return {"kind": "written", "at": message.received_at, "time": _clock(message.received_at),
            "channel": message.channel, "text": message.text, "send_id": "", "to": message.sender}  # fmt: skip


def _one_click_url(record: MailRecord) -> str:
    """Where RFC 8058 has the unsubscription posted; nothing where the mail does not offer it."""
    headers = {name.lower(): value for name, value in record.rendered_headers().items()}
    if headers.get("list-unsubscribe-post", "").replace(" ", "").lower() != "list-unsubscribe=one-click":
        return ""
    found = re.search(r"<(https?://[^>]+)>", headers.get("list-unsubscribe", ""))
    return found[1] if found else ""


async def _one_click(record: MailRecord) -> str:
    url = _one_click_url(record)
    if not url:
        return "This mail offers no one-click unsubscription (RFC 8058)."
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.post(url, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False) as response,
        ):
            return f"One-click unsubscription posted; the answer was {response.status}."
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return f"Nobody answered at {url}."


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _same_site(request: web.Request) -> None:
    """Browsers say where a form was posted from; one of another site must not act here."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise web.HTTPForbidden(text="This form was posted from another site.")


def _back(request: web.Request, who: str, notice: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(request.app.router["inbox"].url_for(to=who).with_query(notice=notice))
