"""People who do not exist, made from a seed: the same ones each time, with the gaps that real lists have."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TextIO

FIRST = (
    "Asha", "Ravi", "Meera", "Arjun", "Divya", "Kiran", "Nisha", "Vikram", "Priya", "Sanjay", "Leela", "Rohan",
    "Anna", "Jonas", "Maria", "Peter", "Sofia", "Lukas", "Emma", "Omar", "Layla", "Yusuf", "Grace", "Daniel",
)  # fmt: skip
LAST = ("Sharma", "Patel", "Iyer", "Khan", "Das", "Reddy", "Nair", "Joshi", "Weber", "Rossi", "Silva", "Brown", "Ali")
CITIES = (
    ("Pune", "411001", "Asia/Kolkata"), ("Mumbai", "400001", "Asia/Kolkata"), ("Delhi", "110001", "Asia/Kolkata"),
    ("Kathmandu", "44600", "Asia/Kathmandu"), ("Dubai", "00000", "Asia/Dubai"), ("Berlin", "10115", "Europe/Berlin"),
)  # fmt: skip
COLUMNS = ("id", "name", "email", "phone", "role", "city", "pincode", "zone", "last_active_at", "opt_in", "plan")
NO_PHONE, NO_MAIL, SHARED_MAIL, NO_OPT_IN, OPTED_OUT = 0.08, 0.05, 0.01, 0.12, 0.03
"""Shares of the people."""
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SamplePerson:
    row: dict[str, str]
    """As a line of a contacts file."""
    opted_out_of: str
    """A channel, `all`, or "" for nobody who has said no."""


def sample_people(count: int, seed: int) -> Iterator[SamplePerson]:
    """`count` people. Numbers are in a range that no network in India assigns to anyone's phone."""
    chance = random.Random(seed)
    for number in range(count):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        city, pincode, zone = chance.choice(CITIES)
        mail = f"{first}.{last}.{number}@example.com".lower()
        if chance.random() < SHARED_MAIL and number:
            mail = "family@example.com"
        opt_in = [channel for channel in ("sms", "whatsapp") if chance.random() >= NO_OPT_IN]
        active = EPOCH - timedelta(hours=chance.randrange(24 * 60))
        row = {
            "id": f"sample-{number:05d}",
            "name": f"{first} {last}" if chance.random() > 0.02 else "",
            "email": "" if chance.random() < NO_MAIL else mail,
            "phone": "" if chance.random() < NO_PHONE else f"+9190000{number:05d}",
            "role": chance.choices(("customer", "partner"), (9, 1))[0],
            "city": city,
            "pincode": pincode,
            "zone": zone,
            "last_active_at": active.isoformat(),
            "opt_in": " ".join(opt_in),
            "plan": chance.choice(("basic", "silver", "gold")),
        }
        said_no = chance.choice(("email", "sms", "whatsapp", "all")) if chance.random() < OPTED_OUT else ""
        yield SamplePerson(row, said_no)


def write_contacts(people: Iterator[SamplePerson] | list[SamplePerson], file: TextIO) -> None:
    """As a contacts file for `peal contacts import`."""
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(person.row for person in people)
