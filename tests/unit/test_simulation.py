"""The simulation: one seeded world, sent to in every way, and the books of it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulation.chart import ways_chart, worlds_chart
from simulation.consistency import Habits, measure
from simulation.people import people, person
from simulation.report import results
from simulation.runs import ALL_AT_ONCE, BLIND, FORGETFUL, OURS, PEAL, REMINDER, Outcome, alone, run
from simulation.society import Society, variations
from simulation.sweep import row

PAGE = Path(__file__).parents[2] / "docs/simulation.md"
PEOPLE = 2_000


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(Society(), PEOPLE)


@pytest.mark.parametrize("way", OURS)
def test_every_planned_send_has_one_outcome_and_the_books_agree(outcome: Outcome, way: str) -> None:
    tally = outcome.tally(way)
    assert tally.planned == tally.settled == 3 * PEOPLE
    assert tally.differences == 0


@pytest.mark.parametrize("way", OURS)
def test_nobody_is_messaged_twice_by_mistake_at_night_or_against_their_word(outcome: Outcome, way: str) -> None:
    tally = outcome.tally(way)
    assert (tally.doubled, tally.at_night, tally.without_consent) == (0, 0, 0)
    assert tally.reached_with_consent == tally.reached > 0


def test_a_fallback_goes_to_those_whom_no_step_before_has_reached(outcome: Outcome) -> None:
    """Save those who get a message late, after the next step was due."""
    tally = outcome.tally(PEAL)
    assert tally.several <= tally.people // 100
    assert outcome.tally(REMINDER).several > 20 * tally.several


def test_what_an_earlier_campaign_taught_saves_messages_to_the_dead_and_loses_nobody(outcome: Outcome) -> None:
    taught, forgetful = outcome.tally(PEAL), outcome.tally(FORGETFUL)
    assert taught.to_the_dead < forgetful.to_the_dead / 2
    assert abs(taught.reached - forgetful.reached) <= PEOPLE // 200


def test_peal_reaches_nearly_all_whom_it_may_reach(outcome: Outcome) -> None:
    assert 0.98 * outcome.within_reach <= outcome.tally(PEAL).reached <= outcome.within_reach


def test_each_tool_alone_reaches_no_more_than_all_of_them_together(outcome: Outcome) -> None:
    everything = outcome.tally(ALL_AT_ONCE).reached
    assert all(outcome.tally(way).reached <= everything for way in (alone("email"), alone("sms"), BLIND))
    assert outcome.tally(ALL_AT_ONCE).without_consent > 0


def test_the_same_seed_gives_the_same_world_however_the_people_are_shared_out() -> None:
    society = Society(seed=7)
    assert run(society, 520) == run(society, 520, workers=2)
    assert list(people(society, 20)) == [person(society, number) for number in range(20)]
    assert list(people(society, 20)) != list(people(Society(seed=8), 20))


def test_calls_without_an_answer_double_the_messages_of_blind_tools_and_none_of_peals() -> None:
    outcome = run(Society(no_answer=0.2, callback_lost=0.3), 300, short=True)
    assert outcome.tally(ALL_AT_ONCE).doubled > 50
    assert outcome.tally(PEAL).doubled == 0
    assert outcome.tally(PEAL).settled == outcome.tally(PEAL).planned


def test_where_nothing_goes_wrong_peal_reaches_nobody_more() -> None:
    outcome = run(variations(Society())["nothing ever goes wrong"], 200, short=True)
    assert outcome.tally(BLIND).reached == outcome.tally(PEAL).reached == outcome.within_reach == 200
    assert outcome.tally(PEAL).calls == 200


def test_the_page_names_every_rate_as_it_is() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE.read_text(), re.MULTILINE))
    rates = {name: value for name, value in Society().model_dump().items() if name not in ("seed", "countries")}
    assert {name: float(value) for name, value in documented.items()} == rates
    countries = dict(re.findall(r"^\| ([A-Z]{2}) \| ([\d.]+) \|", PAGE.read_text(), re.MULTILINE))
    assert {code: float(share) for code, share in countries.items()} == {
        country.code: country.whatsapp for country in Society().countries
    }


def test_mending_the_body_mends_every_channel_that_follows_it() -> None:
    """What has a text of its own is mended as often as people think of it."""
    found = measure(1, Habits(mends_a_copy=0.0, own_text=0.0))
    assert found.peal_without_templates == 100
    assert found.copies == pytest.approx(100 / 3, abs=0.1)
    assert measure(1, Habits(mends_a_copy=1.0, own_text=1.0)).peal == 100


def test_the_file_has_the_figures_and_the_charts_are_drawn_from_it(outcome: Outcome) -> None:
    found = results(outcome, [row("as found", outcome)], {0.5: measure(1)}) | {"people": PEOPLE}
    assert {"blind_reached_pct", "peal_reached_pct", "doubled"} <= found.keys()
    assert found["doubled"] == 0
    for chart in (ways_chart(found), worlds_chart(found)):
        assert ElementTree.fromstring(chart).tag.endswith("svg")
