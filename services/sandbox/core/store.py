"""All accepted messages in memory, in the order of acceptance; indexes are brought up to date when they are asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.sandbox.core.records import Inbound, PhoneRecord, Record


@dataclass
class Person:
    """Someone who received something: a contact, or an address where the sender told no contact."""

    key: str
    addresses: set[str] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)
    """Of the records, ascending."""


@dataclass(frozen=True)
class Filter:
    """Which records are wanted: received at or after `since` (seconds), of this campaign, to this address."""

    since: float = 0.0
    campaign: str = ""
    to: str = ""
    after: int = 0
    """Only records numbered above this."""


class Store:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.inbound: list[Inbound] = []
        self.by_channel: Counter[str] = Counter()
        self._indexed = 0
        self._by_address: dict[str, list[int]] = defaultdict(list)
        self._people: dict[str, Person] = {}
        self._people_at: dict[str, set[str]] = defaultdict(set)
        self._by_sid: dict[str, PhoneRecord] = {}

    def next_number(self) -> int:
        return len(self.records) + 1

    def add(self, records: list[Record]) -> None:
        """Append records whose numbers continue those here."""
        self.records.extend(records)
        self.by_channel[records[0].channel] += len(records)

    def select(self, wanted: Filter, until: int | None = None) -> Iterator[Record]:
        """The wanted records in order, up to the record numbered `until`; safe while more are added."""
        end = len(self.records) if until is None else min(until, len(self.records))
        if wanted.to:
            numbers: Iterator[int] | range = iter([n for n in self.numbers_to(wanted.to) if wanted.after < n <= end])
        else:
            numbers = range(max(0, wanted.after) + 1, end + 1)
        for number in numbers:
            record = self.records[number - 1]
            if record.received_at >= wanted.since and (
                not wanted.campaign or record.identity.campaign == wanted.campaign
            ):
                yield record

    def numbers_to(self, address: str) -> list[int]:
        self._index()
        return self._by_address.get(address.lower(), [])

    def message(self, sid: str) -> PhoneRecord | None:
        self._index()
        return self._by_sid.get(sid)

    def people(self) -> dict[str, Person]:
        """Everyone, by contact or address."""
        self._index()
        return self._people

    def people_at(self, who: str) -> list[Person]:
        """Who is meant by a contact id or an address: mostly one, several where they share the address, or nobody."""
        self._index()
        if who in self._people:
            return [self._people[who]]
        return [self._people[key] for key in sorted(self._people_at.get(who.lower(), ()))]

    def written_by(self, addresses: set[str]) -> list[Inbound]:
        return [one for one in self.inbound if one.person in addresses]

    def _index(self) -> None:
        for record in self.records[self._indexed :]:
            address = record.to.lower()
            self._by_address[address].append(record.number)
            key = record.identity.contact or address
            person = self._people.setdefault(key, Person(key))
            person.addresses.add(address)
            person.numbers.append(record.number)
            self._people_at[address].add(key)
            if isinstance(record, PhoneRecord):
                self._by_sid[record.sid] = record
        self._indexed = len(self.records)
