"""The sandbox's world: what becomes of messages is decided by a seed, so that it can be repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.core.answers import Allowance, answer_to
from services.sandbox.core.fates import NEVER, mail_steps, number_problem, phone_steps
from services.sandbox.core.worlds import BENCH, CALM, NAMED, SAMPLE, STORM, BadWorldError, World, parse_world


def kinds(steps):
    return [step.kind for step in steps]


@given(seed=st.integers(-(2**63), 2**63 - 1), address=st.text(min_size=1), key=st.text())
def test_the_same_seed_address_and_key_give_the_same_fate(seed, address, key):
    world = STORM.model_copy(update={"seed": seed})
    assert mail_steps(world, address, key) == mail_steps(world, address, key)
    assert phone_steps(world, "sms", address, key, True, False) == phone_steps(world, "sms", address, key, True, False)
    assert number_problem(world, address) == number_problem(world, address)


def test_another_seed_gives_other_fates():
    other = SAMPLE.model_copy(update={"seed": SAMPLE.seed + 1})
    people = [f"p{n}@example.com" for n in range(200)]
    assert [kinds(mail_steps(SAMPLE, p, "k")) for p in people] != [kinds(mail_steps(other, p, "k")) for p in people]


@given(address=st.emails(), key=st.text(), number=st.integers(10**7, 10**12))
def test_in_the_calm_world_everything_is_delivered_within_a_second_and_told_once(address, key, number):
    mail = mail_steps(CALM, address, key)
    assert kinds(mail) == ["processed", "delivered"]
    text = phone_steps(CALM, "sms", f"+{number}", key, True, False)
    assert kinds(text) == ["sent", "delivered"]
    assert all(step.told_ms == step.at_ms <= 1_000 for step in mail + text)
    assert number_problem(CALM, f"+{number}") == 0


def test_in_the_sample_world_all_is_told_within_five_seconds_and_shares_are_as_its_knobs_say():
    lives = [mail_steps(SAMPLE, f"p{n}@example.com", f"c/1/{n}#1") for n in range(20_000)]
    assert max(step.told_ms for life in lives for step in life) < 5_000
    hard = sum(step.detail == "hard" for life in lives for step in {s.number: s for s in life}.values()) / len(lives)
    assert hard == pytest.approx(SAMPLE.hard_bounce_rate, rel=0.2)
    opened = sum(any(s.kind == "open" and s.detail == "" for s in life) for life in lives) / len(lives)
    delivered = sum("delivered" in kinds(life) for life in lives) / len(lives)
    assert opened / delivered == pytest.approx(SAMPLE.open_rate, rel=0.1)


def test_a_dead_mailbox_bounces_every_mail_and_a_landline_refuses_every_message():
    world = World(hard_bounce_rate=0.3, landline_rate=0.5)
    for n in range(200):
        address, number = f"p{n}@example.com", f"+9198000{n:05d}"
        ends = {("bounce" in kinds(mail_steps(world, address, key))) for key in ("a", "b", "c")}
        assert len(ends) == 1
        codes = {phone_steps(world, "sms", number, key, False, False)[-1].detail for key in ("a", "b", "c")}
        assert len(codes) == 1
        assert codes <= {"", "30006"}


def test_named_people_have_exactly_their_traits():
    world = SAMPLE.model_copy(update={"people": {"a@x.org": ("opens", "clicks"), "+911": (), "+912": ("invalid",)}})
    assert kinds([s for s in mail_steps(world, "a@x.org", "k") if s.told_ms == s.at_ms])[:2] == [
        "processed",
        "delivered",
    ]
    assert {"open", "click"} <= set(kinds(mail_steps(world, "a@x.org", "k")))
    assert {"sent", "delivered"} == set(kinds(phone_steps(world, "sms", "+911", "k", True, False))) - {"sending"}
    assert number_problem(world, "+912") == 21211


def test_free_text_outside_the_window_fails_with_63016_and_inside_it_arrives():
    assert phone_steps(CALM, "whatsapp", "+911", "k", True, False)[-1][1:3] == ("failed", "63016")
    assert phone_steps(CALM, "whatsapp", "+911", "k", True, True)[-1].kind == "delivered"
    assert phone_steps(CALM, "whatsapp", "+911", "k", False, False)[-1].kind == "delivered"


def test_suppressed_addresses_are_dropped_and_nothing_else_happens_to_them():
    assert [(s.kind, s.detail) for s in mail_steps(CALM, "a@x.org", "k", "bounced")] == [("dropped", "bounced")]


def test_steps_are_told_twice_late_or_never_by_the_rates_but_happen_once():
    world = STORM.model_copy(update={"repeat_rate": 0.5, "reorder_rate": 0.3, "lost_rate": 0.1})
    twice = late = never = 0
    for n in range(500):
        steps = mail_steps(world, f"p{n}@x.org", "k")
        by_number = {step.number: [s for s in steps if s.number == step.number] for step in steps}
        assert sorted(by_number) == list(range(len(by_number)))
        twice += sum(len(same) == 2 for same in by_number.values())
        never += sum(step.told_ms == NEVER for step in steps)
        firsts = [same[0] for same in by_number.values() if same[0].told_ms != NEVER]
        late += any(a.number < b.number and a.told_ms > b.told_ms for a in firsts for b in firsts)
        assert all(len(same) == 1 for same in by_number.values() if same[0].told_ms == NEVER)
    assert twice > 200
    assert late > 50
    assert never > 50


def test_a_refused_request_has_another_chance_when_it_comes_again():
    world = World(too_many_rate=0.5)
    answers = {answer_to(world, "key", tries, 0.0, 0.0).refusal for tries in range(20)}
    assert answers == {"", "too_many"}
    assert answer_to(world, "key", 3, 0.0, 0.0) == answer_to(world, "key", 3, 99.0, 0.0)


def test_a_storm_comes_at_its_times_and_refuses_everything():
    world = World(storm_every_s=10, storm_for_s=2)
    refused = [answer_to(world, "k", 0, 100.0 + second, 100.0).refusal == "too_many" for second in range(20)]
    assert refused == [False] * 8 + [True] * 2 + [False] * 8 + [True] * 2


def test_the_calm_and_the_bench_world_answer_at_once():
    for world in (CALM, BENCH):
        assert {answer_to(world, f"k{n}", 0, 0.0, 0.0) for n in range(1000)} == {answer_to(world, "k", 0, 0.0, 0.0)}
    assert answer_to(BENCH.model_copy(update={"latency_ms": 50}), "k", 0, 0.0, 0.0).delay_ms == 50


def test_an_allowance_never_grants_more_than_its_limit_in_any_second():
    allowance, granted = Allowance(), []
    for tick in range(400):
        now = tick * 0.01
        if allowance.take(3, 10, now):
            granted.append(now)
    assert all(sum(3 for other in granted if now - 1.0 < other <= now) <= 10 for now in granted)
    assert len(granted) >= 9


def test_a_world_is_read_from_a_name_or_from_knobs_on_top_of_a_named_world():
    assert parse_world("storm") is not None
    assert parse_world("storm") == STORM
    assert parse_world('"calm"') == CALM
    assert parse_world(b'{"name": "bench", "latency_ms": 50}') == BENCH.model_copy(update={"latency_ms": 50})
    assert parse_world('{"open_rate": 0}') == SAMPLE.model_copy(update={"open_rate": 0})
    assert parse_world("sample", seed=7).seed == 7
    assert all(parse_world(world.model_dump_json()) == world for world in NAMED.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("heaven", "calm, sample, storm, bench"),
        ('{"open_rate": 2}', "open_rate"),
        ('{"opne_rate": 0.2}', "opne_rate"),
        ('{"sent_ms": [9, 1]}', "sent_ms"),
        ('{"people": {"a@x.org": ["flies"]}}', "people.a@x.org"),
        ('{"name": ', "not JSON"),
        ('{"name": 5}', "5"),
    ],
)
def test_a_wrong_knob_is_named(text, words):
    with pytest.raises(BadWorldError, match=words.replace(".", r"\.")):
        parse_world(text)
