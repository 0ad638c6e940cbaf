"""From what happened to a message to the callback that tells it: waits for its time, batches, signs, posts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from services.sandbox.core.fates import Step
from services.sandbox.core.mail_events import mail_event
from services.sandbox.core.phone_events import inbound_fields, status_fields
from services.sandbox.core.records import Inbound, MailRecord, PhoneRecord, Record
from services.sandbox.core.signatures import (
    SENDGRID_SIGNATURE,
    SENDGRID_TIMESTAMP,
    TWILIO_SIGNATURE,
    sendgrid_signature,
    twilio_signature,
)
from services.sandbox.core.wheel import Wheel
from services.sandbox.delivery import Delivery, Lane

News = tuple[Record, Step]
Told = Callable[[list[tuple[int, int]]], None]
"""Takes (record number, step number) of what the tracker has taken."""

_TICK_S = 0.02
_MAX_BATCH = 1_000
log = structlog.get_logger("sandbox")


class Courier:
    """Tells the tracker what happened, each thing when it is due. `happened` is called at that moment, before."""

    def __init__(
        self,
        public_url: str,
        tokens: dict[str, str],
        key: ec.EllipticCurvePrivateKey,
        happened: Callable[[News], bool],
        told: Told,
        heard: Callable[[Inbound], None],
        callback_url: str = "",
    ) -> None:
        self._base = public_url.rstrip("/") + "/webhooks"
        self._tokens = tokens
        self._key = key
        self._happened = happened
        self._told = told
        self._heard = heard
        reach = (public_url.rstrip("/"), callback_url.rstrip("/"))
        self._wheel: Wheel[News] = Wheel(_TICK_S)
        self._mails = Lane("sendgrid", 3, reach)
        self._phones = Lane("twilio", 16, reach)
        self._batch: list[tuple[MailRecord, Step]] = []
        self._batch_since = 0.0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """Callbacks that are due later, or wait for the tracker."""
        return len(self._wheel) + len(self._batch) + self._mails.pending + self._phones.pending

    async def start(self) -> None:
        await self._mails.start()
        await self._phones.start()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._mails.stop()
        await self._phones.stop()

    def schedule(self, due: float, news: News) -> None:
        """Tell it at `due` (seconds since 1970), or at once if that has passed."""
        self._wheel.add(due, news)
        self._wake.set()

    def tell_inbound(self, message: Inbound, give_up_s: float) -> None:
        """Post what a person wrote."""
        url = f"{self._base}/twilio/inbound"
        fields = inbound_fields(message)
        self._post_form(url, fields, message.account_sid, give_up_s, lambda: self._heard(message))

    async def _run(self) -> None:
        while True:
            if not self._wheel and not self._batch:
                self._wake.clear()
                await self._wake.wait()
            self._turn(time.time())
            await asyncio.sleep(_TICK_S)

    def _turn(self, now: float) -> None:
        for news in self._wheel.pop(now):
            try:
                if not self._happened(news):
                    continue
            except OSError as error:
                log.error("the journal cannot be written", problem=str(error))
                self._wheel.add(now + 1.0, news)
                continue
            record, step = news
            if isinstance(record, MailRecord):
                if not self._batch:
                    self._batch_since = now
                self._batch.append((record, step))
            else:
                self._tell_status(record, step)
        while self._batch and (len(self._batch) >= _MAX_BATCH or now - self._batch_since >= self._batch_span()):
            self._tell_batch(self._batch[:_MAX_BATCH])
            self._batch = self._batch[_MAX_BATCH:]

    def _batch_span(self) -> float:
        return self._batch[0][0].world.batch_ms / 1000

    def _tell_batch(self, batch: list[tuple[MailRecord, Step]]) -> None:
        def build() -> tuple[bytes, dict[str, str]]:
            body = msgspec.json.encode([mail_event(record, step) for record, step in batch])
            timestamp = str(int(time.time()))
            signature = sendgrid_signature(self._key, timestamp, body)
            return body, {
                "Content-Type": "application/json",
                SENDGRID_SIGNATURE: signature,
                SENDGRID_TIMESTAMP: timestamp,
            }

        told = [(record.number, step.number) for record, step in batch]
        self._mails.put(
            Delivery(
                url=f"{self._base}/sendgrid/events",
                build=build,
                done=lambda: self._told(told),
                size=len(batch),
                began=asyncio.get_running_loop().time(),
                give_up_s=batch[0][0].world.give_up_s,
            )
        )

    def _tell_status(self, record: PhoneRecord, step: Step) -> None:
        told = [(record.number, step.number)]
        self._post_form(
            record.callback,
            status_fields(record, step),
            record.account_sid,
            record.world.give_up_s,
            lambda: self._told(told),
        )

    def _post_form(
        self, url: str, fields: dict[str, str], account_sid: str, give_up_s: float, done: Callable[[], None]
    ) -> None:
        def build() -> tuple[bytes, dict[str, str]]:
            return urlencode(fields).encode(), {
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                TWILIO_SIGNATURE: twilio_signature(self._tokens.get(account_sid, ""), url, fields),
            }

        began = asyncio.get_running_loop().time()
        self._phones.put(Delivery(url=url, build=build, done=done, size=1, began=began, give_up_s=give_up_s))
