"""The sandbox itself: answers by its world, takes messages, lets people act, and tells the tracker what happens."""

from __future__ import annotations

import asyncio
import secrets
import time

import structlog

from services.sandbox.books import Books
from services.sandbox.core.answers import Allowance, Answer, answer_to
from services.sandbox.core.fates import NEVER, Step, mail_steps, number_problem
from services.sandbox.core.mail_request import MailRequest
from services.sandbox.core.phone_json import steps_of
from services.sandbox.core.phone_request import PhoneRequest, TwilioRefusalError
from services.sandbox.core.records import Inbound, MailRecord, PhoneRecord, Record
from services.sandbox.core.signatures import load_key, new_key, private_text
from services.sandbox.core.store import Store
from services.sandbox.core.worlds import World, parse_world
from services.sandbox.courier import Courier, News
from services.sandbox.readers import Readers
from services.sandbox.settings import SandboxSettings

_FLUSH_S = 1.0
log = structlog.get_logger("sandbox")


class Sandbox:
    """All state of one sandbox; a clock reads seconds since 1970."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.tokens = settings.twilio_accounts()
        self.books = Books(parse_world(settings.sandbox_world, settings.sandbox_seed))
        self.key = load_key(_key_text(settings))
        self.courier = Courier(
            settings.public_url, self.tokens, self.key, self._happened, self.books.told, self.books.heard,
            settings.sandbox_callback_url,
        )  # fmt: skip
        self.readers = Readers(settings.public_url, settings.sandbox_callback_url)
        self._since = time.time()
        self._tries: dict[str, int] = {}
        self._allowances: dict[str, Allowance] = {}
        self._flushing: asyncio.Task[None] | None = None

    @property
    def world(self) -> World:
        return self.books.world

    @property
    def store(self) -> Store:
        return self.books.store

    def set_world(self, world: World) -> World:
        """Live in this world from now on; what was accepted before keeps its fate."""
        self._since = time.time()
        return self.books.enter(world)

    async def start(self) -> None:
        """Remember what the journal holds, and go on telling what was not told."""
        if self.world.journal:
            told, heard = self.books.open(self.settings.data_dir / "sandbox" / "journal")
            self._resume(told, heard)
        await self.readers.start()
        await self.courier.start()
        self._flushing = asyncio.create_task(self._flush())

    async def stop(self) -> None:
        """Stop telling; what is untold is told after the next start."""
        if self._flushing:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self.courier.stop()
        await self.readers.stop()
        self.books.close()

    def answer(self, account: str, key: str, count: int, address: str = "") -> Answer:
        """How to answer a request of `count` messages; a refused request has another chance when it comes again."""
        if not self._allowances.setdefault(account, Allowance()).take(count, self._limit(account), time.monotonic()):
            return Answer(refusal="too_many", delay_ms=self.world.latency_ms)
        answer = answer_to(self.world, key, self._tries.get(key, 0), time.time(), self._since, address)
        if answer.refusal:
            self._tries[key] = self._tries.get(key, 0) + 1
        return answer

    def remaining(self, account: str) -> int:
        """What the account may send in the present second, as the rate-limit headers say it."""
        limit = self._limit(account) or 10_000
        allowance = self._allowances.get(account)
        return allowance.remaining(limit) if allowance else limit

    def _limit(self, account: str) -> int:
        return self.world.limits.get(account, self.world.limit_per_s)

    def accept_mail(self, request: MailRequest, body: bytes, account: str) -> str:
        """Take all mails of the request; returns SendGrid's message id. Raises `OSError` where the disk is full."""
        message_id = secrets.token_urlsafe(16)
        records = self.books.take_mail(request, body, message_id, account, _now())
        if self.world.callbacks:
            for record in records:
                self._schedule(record, _mail_steps(record))
        return message_id

    def accept_message(self, request: PhoneRequest, form: bytes, account_sid: str) -> PhoneRecord:
        """Take an SMS or WhatsApp message. Raises `TwilioRefusalError` for a number that cannot be sent to."""
        if (request.channel, request.to) in self.books.standing.opted_out:
            raise TwilioRefusalError(21610, "Attempt to send to unsubscribed recipient")
        match number_problem(self.world, request.to):
            case 21211:
                raise TwilioRefusalError(21211, f"Invalid 'To' Phone Number: {request.to[:-4]}XXXX")
            case 21614:
                raise TwilioRefusalError(21614, f"To number: {request.to}, is not a mobile number")
        record = self.books.take_message(request, form, account_sid, _now())
        if self.world.callbacks:
            self._schedule(record, steps_of(record))
        return record

    def write(self, channel: str, person: str, sender: str, account_sid: str, text: str) -> Inbound:
        """A person writes to a number of ours: noted, obeyed if it is STOP or START, and posted to the tracker."""
        message = self.books.hear(channel, person, sender, account_sid, text, _now())
        self.courier.tell_inbound(message, self.world.give_up_s)
        return message

    def act(self, record: MailRecord, kind: str) -> None:
        """A person does something with a mail: `open`, `click`, `unsubscribe` or `spamreport`."""
        step = self.books.act(record, kind, time.time())
        self._schedule(record, [step])

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            try:
                self.books.flush()
            except OSError as error:
                log.error("the journal cannot be written", problem=str(error))

    def _schedule(self, record: Record, steps: list[Step]) -> None:
        for step in steps:
            if step.told_ms != NEVER:
                self.courier.schedule(record.received_at + step.told_ms / 1000, (record, step))

    def _happened(self, news: News) -> bool:
        """What the moment itself changes here; returns whether there is something to post."""
        record, step = news
        if isinstance(record, MailRecord):
            self.books.standing.see(record, step)
            if step.kind != "click" or record.group.click_tracking:
                return True
            self._follow(record, step)
            return False
        if step.kind == "click":
            self._follow(record, step)
            return False
        if step.kind != "inbound":
            return bool(record.callback)
        self.books.told([(record.number, step.number)])
        if record.answer_to:
            self.write(record.channel, record.to, record.answer_to, record.account_sid, step.detail)
        return False

    def _follow(self, record: Record, step: Step) -> None:
        self.books.told([(record.number, step.number)])
        self.readers.follow(record.body())

    def _resume(self, told: set[tuple[int, int]], heard: set[str]) -> None:
        """Schedule what the journal does not say was told, unless it is too old for anyone to want it."""
        now = time.time()
        for record in self.store.records:
            if not record.world.callbacks:
                continue
            steps = _mail_steps(record) if isinstance(record, MailRecord) else steps_of(record)
            self._schedule(record, [step for step in steps if self._untold(record, step, told, now)])
        for record, step in self.books.by_hand:
            if self._untold(record, step, told, now):
                self._schedule(record, [step])
        for message in self.store.inbound:
            if message.sid not in heard and now - message.received_at < self.world.give_up_s:
                self.courier.tell_inbound(message, self.world.give_up_s)

    def _untold(self, record: Record, step: Step, told: set[tuple[int, int]], now: float) -> bool:
        if (record.number, step.number) in told:
            if isinstance(record, MailRecord):
                self.books.standing.see(record, step)
            return False
        return now - (record.received_at + step.told_ms / 1000) < record.world.give_up_s


def _now() -> float:
    """Seconds since 1970 to the microsecond, so that the moments of the list can be compared with it."""
    return round(time.time(), 6)


def _mail_steps(record: MailRecord) -> list[Step]:
    key = record.identity.key(f"{record.group.message_id}/{record.place}")
    return mail_steps(record.world, record.to.lower(), key, record.suppressed)


def _key_text(settings: SandboxSettings) -> str:
    """The key that is set, or else the one that was made at the first start."""
    given = settings.sandbox_sendgrid_private_key.get_secret_value()
    if given:
        return given
    path = settings.data_dir / "sandbox" / "sendgrid_webhook_key.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(private_text(new_key()))
    return path.read_text()
