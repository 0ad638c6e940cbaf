"""One person's page in the books: where each send stands by the ledger's rules, its cost, and what truly arrived."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas.status import Status, rank_key
from services.domain.messages import DeliveryEvent
from services.domain.reconcile import LedgerSend
from simulation.network import Network
from simulation.people import Person


class Arrival(NamedTuple):
    send_id: str
    channel: str
    at: datetime
    seen: bool


class Page:
    def __init__(self) -> None:
        self.standing: dict[str, tuple[tuple[int, int], Status, str]] = {}
        """Send id -> rank, status, reason."""
        self.cost: dict[tuple[str, int], int] = {}
        """(send, attempt) -> micros."""
        self.taken: list[str] = []
        """Send ids, as often as a provider took them, but for what it gave back as not delivered."""
        self.calls = 0
        self.at_night = 0
        self.without_consent = 0
        self.to_the_dead = 0
        """Calls for an address at which nobody could be."""
        self.arrivals: list[Arrival] = []

    def write(self, event: DeliveryEvent) -> bool:
        """Says whether the send now stands where this event put it."""
        status = Status(event.status)
        rank = rank_key(status, event.attempt)
        if event.cost_basis == "waived":
            self.cost[event.send_id, event.attempt] = 0
        elif event.cost_basis:
            self.cost.setdefault((event.send_id, event.attempt), event.cost_micros)
        known = self.standing.get(event.send_id)
        if status is Status.FAILED_RETRYABLE and event.send_id in self.taken:
            self.taken.remove(event.send_id)
        if known is not None and rank <= known[0]:
            return False
        self.standing[event.send_id] = (rank, status, event.reason)
        return True

    def count(self, network: Network, person: Person, channel: str, at: datetime, earlier: bool) -> None:
        """A call to this person."""
        self.calls += 1
        self.at_night += network.night(person, at)
        self.without_consent += not person.allows(channel)
        self.to_the_dead += network.dead(person, channel, earlier)

    def stands(self, send_id: str) -> Status | None:
        known = self.standing.get(send_id)
        return known[1] if known else None

    @property
    def spent(self) -> int:
        """Micros."""
        return sum(self.cost.values())

    def ledger(self) -> list[LedgerSend]:
        return [LedgerSend(send_id, status, reason) for send_id, (_, status, reason) in self.standing.items()]
