"""Twilio's HTTP API: sending, fetching and listing messages, and the account."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from services.sandbox.answering import answered
from services.sandbox.books import parse_form
from services.sandbox.core.answers import Answer
from services.sandbox.core.phone_json import account_json, message_json, page_json, steps_of
from services.sandbox.core.phone_request import PhoneRequest, TwilioRefusalError
from services.sandbox.core.records import PhoneRecord
from services.sandbox.sandbox import Sandbox

_ACCOUNT = "/2010-04-01/Accounts/{sid}"
_MAX_PAGE = 1_000
_ERROR = TwilioRefusalError(20500, "An internal server error has occurred", 500)


class TwilioApi:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._accounts = {
            "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode(): sid
            for sid, token in sandbox.tokens.items()
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{_ACCOUNT}/Messages.json", self.create),
            web.get(f"{_ACCOUNT}/Messages.json", self.list_messages),
            web.get(f"{_ACCOUNT}/Messages/{{message}}.json", self.fetch),
            web.get(f"{_ACCOUNT}.json", self.account),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """201 with the Message resource, or an error in Twilio's shape, or what the world does instead."""
        try:
            account_sid = self._account(request)
            form = await request.read()
            message = parse_form(form)
            answer = self._sandbox.answer(account_sid, _key(message, form), 1, message.to)
            await _refuse(answer)
            record = self._sandbox.accept_message(message, form, account_sid)
        except TwilioRefusalError as refusal:
            return self._refused(refusal)
        except OSError as error:
            reason = f"The sandbox cannot keep this: {error.strerror or error}"
            return self._refused(TwilioRefusalError(20503, reason, 503))
        return await answered(request, answer, _json(message_json(record, None), 201), self._refused(_ERROR))

    async def fetch(self, request: web.Request) -> web.Response:
        try:
            account_sid = self._account(request)
            record = self._sandbox.store.message(request.match_info["message"])
            if record is None or record.account_sid != account_sid:
                raise _not_found(request)
        except TwilioRefusalError as refusal:
            return self._refused(refusal)
        return _json(message_json(record, time.time()))

    async def list_messages(self, request: web.Request) -> web.Response:
        """The account's messages, newest first, by `To`, `From`, `DateSent`, `DateSent<`, `DateSent>`."""
        try:
            account_sid = self._account(request)
            size = min(_MAX_PAGE, max(1, _whole(request, "PageSize", 50)))
            page = _whole(request, "Page", 0)
            found = self._find(account_sid, request)
        except TwilioRefusalError as refusal:
            return self._refused(refusal)
        token = request.query.get("PageToken", "").removeprefix("PA")
        start = (
            next((place + 1 for place, one in enumerate(found) if one.sid == token), page * size)
            if token
            else page * size
        )
        chosen = found[start : start + size]
        more = start + size < len(found)
        return _json(page_json(request.path, dict(request.query), chosen, more, page, size, time.time()))

    async def account(self, request: web.Request) -> web.Response:
        try:
            return _json(account_json(self._account(request), time.time()))
        except TwilioRefusalError as refusal:
            return self._refused(refusal)

    def _find(self, account_sid: str, request: web.Request) -> list[PhoneRecord]:
        to, sender = request.query.get("To", ""), request.query.get("From", "")
        store = self._sandbox.store
        numbers = store.numbers_to(to.removeprefix("whatsapp:")) if to else range(1, store.next_number())
        found = []
        for number in reversed(numbers):
            record = store.records[number - 1]
            if (
                isinstance(record, PhoneRecord)
                and record.account_sid == account_sid
                and (not to or record.address == to)
                and (not sender or record.sender_address == sender)
                and _sent_within(record, request)
            ):
                found.append(record)
        return found

    def _account(self, request: web.Request) -> str:
        account_sid = self._accounts.get(request.headers.get("Authorization", ""))
        if account_sid is None:
            raise TwilioRefusalError(20003, "Authenticate", 401)
        if request.match_info["sid"] != account_sid:
            raise _not_found(request)
        return account_sid

    def _refused(self, refusal: TwilioRefusalError) -> web.Response:
        response = _json(refusal.body, refusal.status)
        if refusal.status == 429:
            response.headers["Retry-After"] = str(self._sandbox.world.retry_after_s)
        return response


async def _refuse(answer: Answer) -> None:
    """Raises what the world refuses the request with, if it does."""
    if not answer.refusal:
        return
    await asyncio.sleep(answer.delay_ms / 1000)
    match answer.refusal:
        case "queue_full":
            raise TwilioRefusalError(
                21611, "This 'From' number has exceeded the maximum number of queued messages", 429
            )
        case "error":
            raise _ERROR
        case _:
            raise TwilioRefusalError(20429, "Too Many Requests", 429)


def _key(message: PhoneRequest, form: bytes) -> str:
    return message.callback or form.decode("utf-8", "replace")


def _not_found(request: web.Request) -> TwilioRefusalError:
    return TwilioRefusalError(20404, f"The requested resource {request.path} was not found", 404)


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() else default


def _sent_within(record: PhoneRecord, request: web.Request) -> bool:
    """Whether the message left in the time asked for; a day means all of it, as does a whole DateSent."""
    sent = record.received_at + next((step.at_ms / 1000 for step in steps_of(record) if step.kind == "sent"), 0.0)
    for name, text in request.query.items():
        if not name.startswith("DateSent"):
            continue
        begin, end = _span(text)
        relation = name.removeprefix("DateSent")
        if relation == "" and not _day(begin) <= sent < _day(begin) + 86_400:
            return False
        if (relation == "<" and sent > end) or (relation == ">" and sent < begin):
            return False
    return True


def _day(seconds: float) -> float:
    return seconds - seconds % 86_400


def _span(text: str) -> tuple[float, float]:
    try:
        moment = datetime.fromisoformat(text.lstrip("="))
    except ValueError:
        raise TwilioRefusalError(20001, f"DateSent is not a date: {text}") from None
    begin = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return begin, begin if "T" in text or " " in text else begin + 86_400 - 0.001


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
