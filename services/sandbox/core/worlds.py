"""The worlds: every knob that decides what becomes of a message, in one frozen model, and the named settings of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Rate = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]


def _ordered(span: tuple[int, int]) -> tuple[int, int]:
    if span[0] > span[1]:
        raise ValueError("the first number (the least) must not be above the second (the greatest)")
    return span


Span = Annotated[tuple[Milliseconds, Milliseconds], AfterValidator(_ordered)]
Trait = Literal[
    "hard_bounce", "soft_bounce", "deferred", "machine_opens", "opens", "clicks", "unsubscribes", "complains",
    "invalid", "landline", "landline_late", "no_whatsapp", "unreachable", "filtered", "reads", "replies", "stops",
    "late", "untold", "errors", "unanswered",
]  # fmt: skip


def _lower_keys(people: dict[str, tuple[Trait, ...]]) -> dict[str, tuple[Trait, ...]]:
    return {address.lower(): traits for address, traits in people.items()}


class World(BaseModel):
    """Rates are shares in [0, 1]; spans are [least, greatest] milliseconds, most draws near the least."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "calm"
    seed: int = Field(2026, ge=-(2**63), lt=2**63)
    callbacks: bool = Field(True, description="whether anything is posted to the tracker")
    journal: bool = Field(
        True, description="whether what is accepted is kept on disk too; once off, off until a restart"
    )
    people: Annotated[dict[str, tuple[Trait, ...]], AfterValidator(_lower_keys)] = Field(
        default_factory=dict,
        description="by address: exactly these traits, instead of what chance says. late: arrives late_ms later, "
        "by phone without a word before; "
        "untold: no callback; by phone also errors: 500 and nothing accepted, unanswered: accepted without an answer",
    )

    # Answers of the API
    latency_ms: Milliseconds = Field(0, description="how long each answer takes, counted from the request")
    slow_rate: Rate = Field(0, description="answers that take slow_ms more, after the message was accepted")
    slow_ms: Span = (1_000, 3_000)
    too_many_rate: Rate = Field(0, description="429 for no reason")
    storm_every_s: float = Field(
        0, ge=0, description="a storm, in which all is answered 429, begins this often; 0: never"
    )
    storm_for_s: float = Field(0, ge=0)
    retry_after_s: int = Field(1, ge=0, description="what Retry-After and X-RateLimit-Reset of a 429 ask for")
    limit_per_s: int = Field(0, ge=0, description="messages accepted a second and account, 429 above; 0: no limit")
    limits: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="the same of single accounts: by Twilio's SID, or `sendgrid`"
    )
    queue_full_rate: Rate = Field(0, description="Twilio: 21611, the sender's queue is full")
    error_before_rate: Rate = Field(0, description="5xx, nothing accepted")
    error_after_rate: Rate = Field(0, description="5xx, although the message was accepted")
    close_rate: Rate = Field(0, description="the connection ends without an answer, although accepted")
    hang_rate: Rate = Field(0, description="no answer for hang_ms, then the connection ends, although accepted")
    hang_ms: Milliseconds = 30_000

    # Mail
    hard_bounce_rate: Rate = 0
    soft_bounce_rate: Rate = 0
    deferred_rate: Rate = 0
    machine_open_rate: Rate = Field(0, description="opened by a scanner or a mail proxy, not by the person")
    open_rate: Rate = 0
    click_rate: Rate = Field(0, description="of those who open")
    unsubscribe_rate: Rate = Field(0, description="of those who open")
    complaint_rate: Rate = Field(0, description="of what is delivered")

    # Phones
    invalid_number_rate: Rate = 0
    landline_rate: Rate = Field(0, description="half of them refused at once (21614), half found out later (30006)")
    no_whatsapp_rate: Rate = 0
    unreachable_rate: Rate = Field(0, description="30003, a phone that is off")
    filtered_rate: Rate = Field(0, description="30007, held back by the carrier")
    queue_overflow_rate: Rate = Field(0, description="30001, found out later")
    read_rate: Rate = Field(0, description="WhatsApp, of what is delivered")
    reply_rate: Rate = 0
    stop_rate: Rate = Field(0, description="answers STOP")
    link_rate: Rate = Field(0, description="SMS and WhatsApp, of what is delivered: follows the tracked link")
    sending_rate: Rate = Field(0, description="how often the in-between status `sending` is told")

    # When things happen, counted from acceptance (the later ones from delivery)
    processed_ms: Span = (10, 60)
    sent_ms: Span = (10, 80)
    delivered_ms: Span = (20, 200)
    machine_open_ms: Span = (20, 200)
    engaged_ms: Span = (100, 800)
    late_ms: Milliseconds = Field(6_000, description="how much later than others those with the trait `late` get it")
    click_ms: Span = Field((1_200, 2_500), description="a link is followed so long after the message was opened")

    # How the callbacks travel
    repeat_rate: Rate = Field(0, description="told twice")
    reorder_rate: Rate = Field(0, description="told after what happened next")
    lost_rate: Rate = Field(0, description="never told")
    batch_ms: Annotated[int, Field(ge=1, le=10_000)] = Field(
        150, description="SendGrid: events wait this long for others"
    )
    give_up_s: float = Field(3_600, gt=0, description="a callback that nobody takes for so long is dropped")


# Two things are in no named world, for a campaign could not end in them soon: an error before acceptance, which leaves
# uncertain what no callback will ever clear up, and (but in the storm) what is worth trying again minutes later.
CALM = World()
SAMPLE = World(
    name="sample",
    hard_bounce_rate=0.025, soft_bounce_rate=0.01, deferred_rate=0.01, machine_open_rate=0.12, open_rate=0.38,
    click_rate=0.25, unsubscribe_rate=0.008, complaint_rate=0.001,
    invalid_number_rate=0.015, landline_rate=0.03, no_whatsapp_rate=0.12, filtered_rate=0.005,
    read_rate=0.6, reply_rate=0.01, stop_rate=0.005, link_rate=0.08, sending_rate=0.05,
    too_many_rate=0.002, slow_rate=0.002, slow_ms=(300, 1_200), close_rate=0.0005,
    processed_ms=(20, 150), sent_ms=(50, 300), delivered_ms=(100, 1_000), machine_open_ms=(30, 300),
    engaged_ms=(200, 1_600), repeat_rate=0.01, reorder_rate=0.01,
)  # fmt: skip
STORM = SAMPLE.model_copy(
    update={
        "name": "storm", "too_many_rate": 0.05, "storm_every_s": 15.0, "storm_for_s": 2.0, "queue_full_rate": 0.01,
        "queue_overflow_rate": 0.005, "slow_rate": 0.03, "slow_ms": (500, 2_500), "unreachable_rate": 0.02,
        "error_after_rate": 0.005, "close_rate": 0.01, "hang_rate": 0.003, "sending_rate": 0.5, "repeat_rate": 0.2,
        "reorder_rate": 0.25, "deferred_rate": 0.05,
    }
)  # fmt: skip
BENCH = World(name="bench", callbacks=False, journal=False)

NAMED: dict[str, World] = {world.name: world for world in (CALM, SAMPLE, STORM, BENCH)}


class BadWorldError(ValueError):
    """The text names no world, or a knob is wrong; the message says which knob and what it may be."""


def parse_world(text: str | bytes, seed: int | None = None, present: World | None = None) -> World:
    """A world from its name, or from a JSON object of knobs.

    The object's `name` says from which world the other knobs come; without a name it is `present`, else `sample`.

    Raises `BadWorldError`.
    """
    plain = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).strip()
    try:
        given: Any = msgspec.json.decode(plain) if plain[:1] in ("{", '"') else plain
    except msgspec.DecodeError as error:
        raise BadWorldError(
            f"PEAL_SANDBOX_WORLD is not JSON: {error}; give a name ({', '.join(NAMED)}) or an object"
        ) from None
    knobs: dict[str, Any] = {"name": given} if isinstance(given, str) else given
    name = knobs.get("name")
    base = (present or SAMPLE) if name is None else NAMED.get(name)
    if base is None:
        raise BadWorldError(f"name: there is no world {name!r}; there are {', '.join(NAMED)}")
    changed = base.model_dump() | ({} if seed is None else {"seed": seed}) | knobs
    try:
        return World.model_validate(changed)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadWorldError(f"{field}: {first['msg']} (given: {first['input']!r})") from None
