"""A month's costs: cents that add up, months that are months, a CSV that is no program."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.cost_rows import MICROS_A_CENT, CostRow, as_csv, in_cents, money, month_of


def row(micros: int, currency: str = "USD", campaign: str = "Spring") -> CostRow:
    return CostRow("c-1", campaign, "email", "default", 3, currency, micros)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.sampled_from(["USD", "EUR"])), max_size=30))
def test_the_cents_of_a_currency_add_up_to_its_rounded_sum_and_no_row_is_off_by_a_cent(
    costs: list[tuple[int, str]],
) -> None:
    rows = in_cents([row(micros, currency) for micros, currency in costs])
    exact, cents = Counter[str](), Counter[str]()
    for one in rows:
        exact[one.currency] += one.cost_micros
        cents[one.currency] += one.cents
        assert abs(one.cents * MICROS_A_CENT - one.cost_micros) < MICROS_A_CENT
    assert cents == Counter({name: (micros + MICROS_A_CENT // 2) // MICROS_A_CENT for name, micros in exact.items()})


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11", (date(2026, 11, 1), date(2026, 12, 1))),
        ("2026-12", (date(2026, 12, 1), date(2027, 1, 1))),
        ("2026-13", None), ("2026-00", None), ("2026-1", None), ("11/2026", None), ("", None),
    ],
)  # fmt: skip
def test_a_month_runs_from_its_first_day_to_the_next_one_s(text: str, days: tuple[date, date] | None) -> None:
    assert month_of(text) == days


def test_the_csv_names_its_columns_and_holds_no_formula() -> None:
    text = as_csv("2026-11", "default", in_cents([row(1_234_567), row(900, campaign='=HYPERLINK("x"), y')]))
    header, first, second = csv.reader(io.StringIO(text))
    assert header[-4:] == ["attempts", "currency", "cost", "cost_micros"]
    assert [first[-2:], second[-2:]] == [["1.24", "1234567"], ["0.00", "900"]]
    assert second[3] == '\'=HYPERLINK("x"), y'


def test_money_shows_its_cents() -> None:
    assert [money(cents) for cents in (0, 5, 100, 123_456)] == ["0.00", "0.05", "1.00", "1234.56"]
