"""A month's costs of a brand, in cents that add up."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.console.core.csv_text import csv_text

MICROS_A_CENT: Final = 10_000
_MONTH: Final = re.compile(r"^(\d{4})-(\d{2})$")
COLUMNS: Final = ("month", "brand", "campaign_id", "campaign", "channel", "account", "attempts", "currency", "cost",
                  "cost_micros")  # fmt: skip


@dataclass(frozen=True)
class CostRow:
    """What a campaign has cost on a channel's account in a month."""

    campaign_id: str
    campaign: str
    channel: str
    account: str
    attempts: int
    currency: str
    cost_micros: int
    """Exact, in millionths of the currency."""
    cents: int = 0
    """Hundredths of the currency; those of a currency add up to its exact sum, rounded."""


def month_of(text: str) -> tuple[date, date] | None:
    """The first day of a month written as `2026-11`, and of the next; None where it is none."""
    match = _MONTH.match(text)
    if match is None or not 1 <= (month := int(match[2])) <= 12 or not 1970 <= (year := int(match[1])) < 2200:
        return None
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def in_cents(rows: Sequence[CostRow]) -> list[CostRow]:
    """Each row rounded, by the largest remainder, so that the rows of a currency add up to its rounded sum."""
    by_currency: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        by_currency[row.currency].append(number)
    cents = [row.cost_micros // MICROS_A_CENT for row in rows]
    for numbers in by_currency.values():
        total = (sum(rows[number].cost_micros for number in numbers) + MICROS_A_CENT // 2) // MICROS_A_CENT
        left = total - sum(cents[number] for number in numbers)
        dearest = sorted(numbers, key=lambda number: (-(rows[number].cost_micros % MICROS_A_CENT), number))
        for number in dearest[:left]:
            cents[number] += 1
    return [CostRow(**(vars(row) | {"cents": cent})) for row, cent in zip(rows, cents, strict=True)]


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def as_csv(month: str, brand: str, rows: Sequence[CostRow]) -> str:
    """With a header; a text that a spreadsheet would take for a formula is quoted as text."""
    lines = [
        (month, brand, row.campaign_id, _harmless(row.campaign), row.channel, row.account, row.attempts,
         row.currency, money(row.cents), row.cost_micros)
        for row in rows
    ]  # fmt: skip
    return csv_text([COLUMNS, *lines])


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
