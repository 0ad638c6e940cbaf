"""What one way of sending comes to, summed over the people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from services.domain.reconcile import reconcile
from simulation.books import Page
from simulation.people import Person


@dataclass
class Tally:
    people: int = 0
    reached: int = 0
    """People to whom something was delivered."""
    seen: int = 0
    """The same, where spam folders do not count."""
    reached_with_consent: int = 0
    """The same as `reached`, by a channel that they allow."""
    several: int = 0
    """People to whom more than one message was delivered."""
    planned: int = 0
    settled: int = 0
    """Of the planned sends, those with exactly one outcome."""
    doubled: int = 0
    """Sends that a provider took, or a person received, twice."""
    differences: int = 0
    """Sends of which ledger and providers tell different stories, or that have no outcome."""
    calls: int = 0
    at_night: int = 0
    without_consent: int = 0
    to_the_dead: int = 0
    cost_micros: int = 0

    def add(self, person: Person, pages: Sequence[Page], planned: Sequence[str]) -> None:
        """One person's messages, of one tool or of several."""
        arrivals = [arrival for page in pages for arrival in page.arrivals]
        books = reconcile(
            planned, [send for page in pages for send in page.ledger()], [each for page in pages for each in page.taken]
        )
        received = [arrival.send_id for arrival in arrivals]
        self.people += 1
        self.reached += bool(arrivals)
        self.seen += any(arrival.seen for arrival in arrivals)
        self.reached_with_consent += any(person.allows(arrival.channel) for arrival in arrivals)
        self.several += len(arrivals) > 1
        self.planned += books.planned
        self.settled += books.settled
        self.doubled += len({*books.doubled, *(each for each in received if received.count(each) > 1)})
        self.differences += len({*books.open, *books.missing, *books.unplanned, *books.lost, *books.untold})
        self.calls += sum(page.calls for page in pages)
        self.at_night += sum(page.at_night for page in pages)
        self.without_consent += sum(page.without_consent for page in pages)
        self.to_the_dead += sum(page.to_the_dead for page in pages)
        self.cost_micros += sum(page.spent for page in pages)

    def __iadd__(self, other: Tally) -> Tally:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    def pct(self, count: int) -> float:
        """A count as a percentage of the people."""
        return round(100 * count / self.people, 2) if self.people else 0.0

    def entries(self) -> dict[str, float]:
        """For the file: percentages of people, counts, dollars."""
        cost = self.cost_micros / 1_000_000
        return {
            "reached_pct": self.pct(self.reached), "seen_pct": self.pct(self.seen),
            "reached_with_consent_pct": self.pct(self.reached_with_consent), "several_pct": self.pct(self.several),
            "planned": self.planned, "settled": self.settled, "doubled": self.doubled, "differences": self.differences,
            "calls": self.calls, "at_night": self.at_night, "without_consent": self.without_consent,
            "to_the_dead": self.to_the_dead, "cost_usd": round(cost, 2),
            "cost_per_1000_reached_usd": round(1_000 * cost / self.reached, 2) if self.reached else 0.0,
        }  # fmt: skip
