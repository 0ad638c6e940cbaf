"""The other worlds, and other sets of channels: where Peal helps, and where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulation.plans import CHANNELS
from simulation.runs import ALL_AT_ONCE, BLIND, PEAL, Outcome, run
from simulation.society import Society, variations

OTHER_CHANNELS: dict[str, tuple[str, ...]] = {
    "email only": ("email",),
    "email, SMS": ("email", "sms"),
    "email, WhatsApp": ("email", "whatsapp"),
    "dearest channel first": ("whatsapp", "sms", "email"),
}
WORLDS = len(variations(Society())) + len(OTHER_CHANNELS)


def sweep(base: Society, people: int, workers: int, done: Callable[[int], None]) -> Iterator[dict[str, object]]:
    """A row for each world, `people` in each; there are `WORLDS`."""
    for name, society in variations(base).items():
        yield row(name, run(society, people, CHANNELS, workers, short=True, done=done))
    for name, channels in OTHER_CHANNELS.items():
        yield row(name, run(base, people, channels, workers, short=True, done=done))


def row(name: str, outcome: Outcome) -> dict[str, object]:
    blind, everything, peal = (outcome.tally(way) for way in (BLIND, ALL_AT_ONCE, PEAL))
    return {
        "world": name,
        "blind_reached_pct": blind.pct(blind.reached),
        "all_blind_reached_pct": everything.pct(everything.reached),
        "peal_reached_pct": peal.pct(peal.reached),
        "within_reach_pct": peal.pct(outcome.within_reach),
        "blind_seen_pct": blind.pct(blind.seen),
        "peal_seen_pct": peal.pct(peal.seen),
        "blind_cost_usd": blind.entries()["cost_usd"],
        "all_blind_cost_usd": everything.entries()["cost_usd"],
        "peal_cost_usd": peal.entries()["cost_usd"],
        "blind_doubled": everything.doubled,
        "peal_doubled": peal.doubled,
        "peal_several_pct": peal.pct(peal.several),
    }
