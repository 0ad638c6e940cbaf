"""Everything accepted and heard, in memory and in the journal; read back after a restart."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from services.runtime.metrics import sandbox_messages
from services.sandbox.core.acceptance import mail_records, phone_record
from services.sandbox.core.fates import Step
from services.sandbox.core.mail_request import MailRequest, parse_mail
from services.sandbox.core.phone_events import opt_out_type
from services.sandbox.core.phone_request import PhoneRequest, parse_message
from services.sandbox.core.records import Inbound, MailRecord, PhoneRecord
from services.sandbox.core.standing import Standing
from services.sandbox.core.store import Store
from services.sandbox.core.worlds import World, parse_world
from services.sandbox.journal import Journal

FIRST_BY_HAND = 1_000
"""Steps that somebody made with a button are numbered from here."""


class Books:
    """Each act is written to the journal first, so that what was answered is never forgotten.

    An `OSError` from any of them means that nothing was done: the disk is full.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = Store()
        self.standing = Standing()
        self.by_hand: list[tuple[MailRecord, Step]] = []
        self._journal: Journal | None = None

    def close(self) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None

    def flush(self) -> None:
        """Write what was told since the last act."""
        if self._journal:
            self._journal.flush()

    def enter(self, world: World) -> World:
        """Another world begins for what comes. The journal can be ended by it, but not begun in the middle."""
        if not world.journal:
            self.close()
        elif not self._journal:
            world = world.model_copy(update={"journal": False})
        self.world = world
        self._write(["world", world.model_dump_json()])
        return world

    def take_mail(
        self, request: MailRequest, body: bytes, message_id: str, account: str, now: float
    ) -> list[MailRecord]:
        """A request of mails, and its body as it came."""
        suppressed = self.standing.suppressed_in(request)
        self._write(["mail", message_id, account, now, suppressed, body])
        return self._add_mail(request, message_id, account, now, suppressed)

    def take_message(self, request: PhoneRequest, form: bytes, account_sid: str, now: float) -> PhoneRecord:
        """An SMS or WhatsApp message, and its form as it came."""
        sid, window_open = f"SM{uuid.uuid4().hex}", self.standing.window_open(request.to, now)
        self._write(["phone", sid, account_sid, now, window_open, form])
        return self._add_message(request, sid, account_sid, now, window_open)

    def hear(self, channel: str, person: str, sender: str, account_sid: str, text: str, now: float) -> Inbound:
        """What a person wrote to the number `sender` of ours."""
        sid = f"SM{uuid.uuid4().hex}"
        message = Inbound(sid, channel, person, sender, account_sid, text, now, opt_out_type(text))
        self._write(["inbound", *msgspec.structs.astuple(message)])
        self._add_inbound(message)
        return message

    def act(self, record: MailRecord, kind: str, now: float) -> Step:
        """What a person did with a mail, by a button."""
        at_ms = int((now - record.received_at) * 1000)
        self._write(["hand", record.number, kind, at_ms])
        return self._add_act(record, kind, at_ms)

    def told(self, steps: list[tuple[int, int]]) -> None:
        """The tracker has taken these (record number, step number). What is lost of this is told again."""
        if self._journal:
            self._journal.later(["told", steps])

    def heard(self, message: Inbound) -> None:
        """The tracker has taken what a person wrote."""
        if self._journal:
            self._journal.later(["heard", message.sid])

    def open(self, path: Path) -> tuple[set[tuple[int, int]], set[str]]:
        """Read the journal and go on with it. Returns what the tracker took: (record, step) numbers, inbound ids."""
        journal = Journal(path)
        told: set[tuple[int, int]] = set()
        heard: set[str] = set()
        present = self.world
        for kind, *entry in journal.load():
            if kind == "told":
                told.update((number, step) for number, step in entry[0])
            elif kind == "heard":
                heard.add(entry[0])
            else:
                self._replay(kind, entry)
        self._journal = journal
        self.enter(present)
        return told, heard

    def _replay(self, kind: str, entry: list[Any]) -> None:
        match kind:
            case "world":
                self.world = parse_world(entry[0])
            case "mail":
                message_id, account, now, suppressed, body = entry
                self._add_mail(parse_mail(body), message_id, account, now, suppressed)
            case "phone":
                sid, account_sid, now, window_open, form = entry
                self._add_message(parse_form(form), sid, account_sid, now, window_open)
            case "inbound":
                self._add_inbound(Inbound(*entry))
            case "hand":
                number, act, at_ms = entry
                record = self.store.records[number - 1]
                assert isinstance(record, MailRecord)
                self._add_act(record, act, at_ms)

    def _add_mail(
        self, request: MailRequest, message_id: str, account: str, now: float, suppressed: dict[str, str]
    ) -> list[MailRecord]:
        records = mail_records(request, message_id, account, now, self.world, self.store.next_number(), suppressed)
        self.store.add(list(records))
        sandbox_messages.labels("email").inc(len(records))
        return records

    def _add_message(
        self, request: PhoneRequest, sid: str, account_sid: str, now: float, window_open: bool
    ) -> PhoneRecord:
        record = phone_record(request, sid, account_sid, now, self.world, self.store.next_number(), window_open)
        self.store.add([record])
        sandbox_messages.labels(record.channel).inc()
        return record

    def _add_inbound(self, message: Inbound) -> None:
        self.store.inbound.append(message)
        self.standing.hear(message)

    def _add_act(self, record: MailRecord, kind: str, at_ms: int) -> Step:
        step = Step(FIRST_BY_HAND + len(self.by_hand), kind, "", at_ms, at_ms)
        self.by_hand.append((record, step))
        return step

    def _write(self, entry: list[Any]) -> None:
        if self._journal:
            self._journal.append(entry)


def parse_form(form: bytes) -> PhoneRequest:
    """Twilio's request from its form. Raises `TwilioRefusalError`."""
    return parse_message(dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)))
