"""What becomes of a message: decided by the world, the address and the message's key alone, so it can be repeated.

A person's nature (a dead mailbox, a landline) depends on the address; what is done with one message also on its key,
which is its send and attempt, or the provider's message id where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.sandbox.core.chance import draws, within
from services.sandbox.core.worlds import Trait, World

DONE = frozenset({"inbound", "click"})
"""What people do with a message on their phone, of which Twilio tells nothing as the message's status."""
NEVER = -1
"""`told_ms` of what is never told."""


class Step(NamedTuple):
    """One thing that happens to a message. A step told twice appears twice, with the same `number`."""

    number: int
    kind: str
    """SendGrid: its event; Twilio: the message's status, or one of `DONE`."""
    detail: str
    """`hard`, `soft`, `machine`, the reason of a drop, Twilio's error code, the words of an answer."""
    at_ms: int
    """When it happens, in milliseconds after acceptance."""
    told_ms: int
    """When it is told, likewise."""


Happens = Callable[[str, float, float], bool]


def _happens(world: World, address: str) -> Happens:
    traits = world.people.get(address)
    if traits is None:
        return lambda trait, draw, rate: draw < rate
    return lambda trait, draw, rate: trait in traits


def _has(world: World, address: str, trait: Trait) -> bool:
    """Of traits that nobody has by chance."""
    return trait in world.people.get(address, ())


def mail_steps(world: World, address: str, key: str, suppressed: str = "") -> list[Step]:
    """The life of a mail; `suppressed` is SendGrid's reason to drop it where the address is on one of its lists."""
    if suppressed:
        return [Step(0, "dropped", suppressed, world.processed_ms[0], world.processed_ms[0])]
    happens = _happens(world, address)
    person = draws(world.seed, "mailbox", address)
    chance = draws(world.seed, "mail", address, key)
    at = within(world.processed_ms, chance[0])
    told = [("processed", "", at)]
    if happens("deferred", chance[1], world.deferred_rate):
        at += within(world.delivered_ms, chance[2])
        told.append(("deferred", "", at))
    at += within(world.delivered_ms, chance[3]) + world.late_ms * _has(world, address, "late")
    if happens("hard_bounce", person[0], world.hard_bounce_rate):
        told.append(("bounce", "hard", at))
    elif happens("soft_bounce", chance[4], world.soft_bounce_rate):
        told.append(("bounce", "soft", at))
    else:
        told.append(("delivered", "", at))
        told.extend(_engagement(world, happens, chance, at))
    return _tell(world, told, address, key)


def _engagement(world: World, happens: Happens, chance: tuple[float, ...], at: int) -> list[tuple[str, str, int]]:
    done = []
    if happens("machine_opens", chance[5], world.machine_open_rate):
        done.append(("open", "machine", at + within(world.machine_open_ms, chance[6])))
    clicks = happens("clicks", chance[7], world.click_rate)
    if happens("opens", chance[8], world.open_rate):
        opened = at + within(world.engaged_ms, chance[9])
        done.append(("open", "", opened))
        if clicks:
            done.append(("click", "", opened + within(world.click_ms, chance[10])))
        if happens("unsubscribes", chance[11], world.unsubscribe_rate):
            done.append(("unsubscribe", "", opened + within(world.engaged_ms, chance[12]) // 2))
    if happens("complains", chance[13], world.complaint_rate):
        done.append(("spamreport", "", at + within(world.engaged_ms, chance[14])))
    return done


def number_problem(world: World, number: str) -> int:
    """Twilio's error code for a number that it refuses at once, or 0. Twilio's own magic test numbers work too."""
    magic = {"+15005550001": 21211, "+15005550009": 21614}.get(number)
    if magic:
        return magic
    happens = _happens(world, number)
    person = draws(world.seed, "phone", number)
    if happens("invalid", person[0], world.invalid_number_rate):
        return 21211
    return 21614 if happens("landline", person[1], world.landline_rate / 2) else 0


def phone_steps(world: World, channel: str, number: str, key: str, free_text: bool, window_open: bool) -> list[Step]:
    """The life of an SMS or WhatsApp message after it was accepted. Free text on WhatsApp needs an open window."""
    chance = draws(world.seed, channel, number, key)
    late = world.late_ms * _has(world, number, "late")
    at = within(world.sent_ms, chance[0]) + late
    told: list[tuple[str, str, int]] = []
    if chance[1] < world.sending_rate:
        told.append(("sending", "", at // 2))
    code = _failure(world, channel, number, chance, free_text and not window_open)
    if code in {63016, 63024, 30001}:
        told.append(("failed", str(code), at))
        return _tell(world, told, number, key)
    told.append(("sent", "", at))
    at += 0 if late else within(world.delivered_ms, chance[2])  # what came late is told of at once
    if code:
        told.append(("undelivered", str(code), at))
        return _tell(world, told, number, key)
    told.append(("delivered", "", at))
    happens = _happens(world, number)
    if channel == "whatsapp" and happens("reads", chance[3], world.read_rate):
        told.append(("read", "", at + within(world.engaged_ms, chance[4])))
    if happens("stops", chance[5], world.stop_rate):
        told.append(("inbound", "STOP", at + within(world.engaged_ms, chance[6])))
    elif happens("replies", chance[7], world.reply_rate):
        words = ("Yes please", "Who is this?", "Tomorrow at 10 works", "Thanks!")[int(chance[8] * 4)]
        told.append(("inbound", words, at + within(world.engaged_ms, chance[9])))
    if happens("clicks", chance[13], world.link_rate):
        told.append(("click", "", at + within(world.click_ms, chance[14])))
    return _tell(world, told, number, key)


def _failure(world: World, channel: str, number: str, chance: tuple[float, ...], closed: bool) -> int:
    """The code with which a message fails after acceptance, or 0.

    63016: free text outside the 24 h window; 63024: no WhatsApp there; 30006: landline; 30003: phone is off;
    30007: filtered; 30001: queue overflow (codes by Twilio's error dictionary).
    """
    happens = _happens(world, number)
    person = draws(world.seed, "phone", number)
    if channel == "whatsapp":
        if happens("no_whatsapp", person[3], world.no_whatsapp_rate):
            return 63024
        return 63016 if closed else 0
    if happens("landline_late", person[2], world.landline_rate / 2):
        return 30006
    if happens("unreachable", chance[10], world.unreachable_rate):
        return 30003
    if happens("filtered", chance[11], world.filtered_rate):
        return 30007
    return 30001 if chance[12] < world.queue_overflow_rate else 0


def _tell(world: World, happened: list[tuple[str, str, int]], address: str, key: str) -> list[Step]:
    """When each thing is told: mostly when it happens; by the world's rates late, twice or never."""
    happened.sort(key=lambda one: one[2])
    if _has(world, address, "untold"):
        return [Step(number, kind, detail, at, NEVER) for number, (kind, detail, at) in enumerate(happened)]
    steps = [Step(number, kind, detail, at, at) for number, (kind, detail, at) in enumerate(happened)]
    if not (world.repeat_rate or world.reorder_rate or world.lost_rate):
        return steps
    chance = draws(world.seed, "told", address, key)
    for place, step in enumerate(steps):
        if step.kind in DONE:
            continue
        draw = chance[place % 16]
        if draw < world.lost_rate:
            steps[place] = step._replace(told_ms=NEVER)
        elif draw < world.lost_rate + world.reorder_rate and place + 1 < len(happened):
            steps[place] = step._replace(told_ms=steps[place + 1].at_ms + 100)
    repeats = [
        step._replace(told_ms=step.told_ms + 50 + int(500 * chance[15 - step.number % 16]))
        for step in steps
        if step.told_ms != NEVER and step.kind not in DONE and chance[(step.number + 8) % 16] < world.repeat_rate
    ]
    return steps + repeats
