"""Consent: a file's rows, and that nothing but the person's own later word ever raises it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Consent
from services.console.core.consent_rows import COLUMNS, read_consent
from services.console.core.contact_files import BadRow, ContactFile, FileError, RowFile
from services.console.core.contact_rows import UNDATED_OPT_IN, Imported
from services.domain import messages
from services.domain.eligibility import Record, new_record, observe, permitted, stopped
from services.domain.messages import ContactChange

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
IMPORTED = Imported("north", NOW, "import paper.csv")
CHANNELS = ("email", "sms", "all")


# -------------------------------------------------------------------------------------------------------------- files


def rows_of(text: str, kind: str = "csv") -> list[Consent | BadRow]:
    file: RowFile[Consent] = RowFile(kind, lambda row: read_consent(row, IMPORTED), COLUMNS)  # type: ignore[arg-type]
    return [*file.feed(text.encode()), *file.finish()]


def test_a_row_says_who_what_when_where_and_how_it_is_proven() -> None:
    header = "contact,channel,state,at,source,proof,purpose\n"
    (row,) = rows_of(header + 'c-1,SMS,opted_in,2026-05-01T10:00:00+05:30,fair,"form 17, page 2",newsletter\n')
    assert row == Consent.model_validate(
        {
            "recipient": "north/c-1", "channel": "sms", "state": "opted_in", "at": "2026-05-01T04:30:00Z",
            "source": "fair", "proof": "form 17, page 2", "purpose": "newsletter",
        }
    )  # fmt: skip


def test_a_yes_without_a_time_is_older_than_every_no_and_a_no_without_one_is_of_now() -> None:
    yes, no = rows_of("contact,channel,state\nc-1,sms,opted_in\nc-1,email,opted_out\n")
    assert isinstance(yes, Consent)
    assert isinstance(no, Consent)
    assert (yes.at, yes.source, no.at) == (UNDATED_OPT_IN, "import paper.csv", NOW)


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        (",sms,opted_in,,,,", "contact", "missing"), ("a/b,sms,opted_in,,,,", "contact", "invalid"),
        ("c,,opted_in,,,,", "channel", "missing"), ("c,smss,opted_in,,,,", "channel", "unknown_channel"),
        ("c,sms,yes,,,,", "state", "unknown_value"), ("c,sms,,,,,", "state", "unknown_value"),
        ("c,sms,opted_in,tomorrow,,,", "at", "invalid"), ("c,sms,opted_in,2026-05-01T10:00:00,,,", "at", "no_zone"),
        ("c,sms,opted_in,2031-01-01,,,", "at", "in_the_future"), ("c,sms,opted_in,,,,a/b", "purpose", "invalid"),
        (f"c,sms,opted_in,,,{'x' * 5000},", "proof", "too_long"), ("c,sms", "row", "wrong_columns"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_line_and_field_and_the_rest_goes_in(row: str, field: str, problem: str) -> None:
    bad, good = rows_of(f"contact,channel,state,at,source,proof,purpose\n{row}\nc-2,sms,opted_out,,,,\n")
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.field, bad.problem) == (2, field, problem)
    assert bad.message
    assert isinstance(good, Consent)


def test_an_unknown_column_is_an_error_and_a_file_without_contacts_is_refused() -> None:
    (bad,) = rows_of('{"contact": "c", "channel": "sms", "state": "opted_in", "sates": "x"}\n', "ndjson")
    assert isinstance(bad, BadRow)
    assert (bad.field, bad.problem) == ("sates", "unknown_field")
    with pytest.raises(FileError, match="contact,channel,state"):
        rows_of("id,channel,state\nc,sms,opted_in\n")


def test_one_person_may_stand_in_a_file_of_consents_as_often_as_they_said_something() -> None:
    rows = rows_of("contact,channel,state\nc-1,sms,opted_in\nc-1,sms,opted_out\nc-1,all,opted_out\n")
    assert all(isinstance(row, Consent) for row in rows)


# --------------------------------------------------------------------------------------------------------- properties

WORDS = st.builds(
    lambda channel, purpose, state, at, reason: messages.Consent(
        recipient="north/c-1",
        channel=channel,
        purpose=purpose,
        state=state,
        at=NOW + timedelta(minutes=at),
        reason=reason if state == "opted_out" else "opted_out",
    ),
    st.sampled_from(CHANNELS),
    st.sampled_from(["marketing", "newsletter"]),
    st.sampled_from(["opted_in", "opted_out"]),
    st.integers(0, 4),
    st.sampled_from(["opted_out", "bounced_before", "complained_before"]),
)


def record_of(words: Any) -> Record:
    record = new_record()
    for word in words:
        observe(record, word)
    return record


def may(record: Record, channel: str, purpose: str = "marketing", *, needs_opt_in: bool = False) -> bool:
    """What the gates of consent say."""
    return stopped(record, channel) is None and (not needs_opt_in or permitted(record, channel, purpose) is not None)


@given(st.lists(WORDS, max_size=5), st.data())
def test_the_order_in_which_words_arrive_changes_nothing(words: list[messages.Consent], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(words + words[:2]))
    one, other = record_of(words), record_of(shuffled)
    for channel in ("email", "sms"):
        for needs in (False, True):
            assert may(one, channel, needs_opt_in=needs) == may(other, channel, needs_opt_in=needs)


@pytest.mark.parametrize("channel", CHANNELS)
def test_of_a_yes_and_a_no_of_the_same_moment_the_no_counts_in_either_order(channel: str) -> None:
    yes = messages.Consent(recipient="north/c-1", channel=channel, state="opted_in", at=NOW)
    no = messages.Consent(recipient="north/c-1", channel=channel, state="opted_out", at=NOW)
    for words in permutations([yes, no]):
        assert not may(record_of(words), "sms" if channel == "all" else channel)


@given(st.lists(WORDS, max_size=6))
def test_nobody_may_be_messaged_while_the_newest_word_of_a_kind_is_a_no(words: list[messages.Consent]) -> None:
    """Of the channel, or of all of them; a yes to the one does not lift a no to the other."""
    record = record_of(words)
    for channel in ("email", "sms"):
        kinds = {(word.channel, word.purpose) for word in words if word.channel in (channel, "all")}
        newest = [
            max((w for w in words if (w.channel, w.purpose) == kind), key=lambda w: (w.at, w.state == "opted_out"))
            for kind in kinds
        ]
        assert may(record, channel) == all(word.state == "opted_in" for word in newest)


@given(st.lists(WORDS, max_size=5))
def test_where_silence_is_a_no_only_a_yes_to_this_channel_and_purpose_or_to_all_lets_a_message_go(
    words: list[messages.Consent],
) -> None:
    record = record_of(words)
    if may(record, "sms", needs_opt_in=True):
        assert any(
            w.state == "opted_in" and w.channel in ("sms", "all") and w.purpose == "marketing" for w in words
        )  # fmt: skip


@given(st.lists(WORDS, max_size=5))
def test_one_more_no_never_lets_a_message_go_and_one_more_yes_never_stops_one(words: list[messages.Consent]) -> None:
    before = record_of(words)
    later = NOW + timedelta(hours=1)
    for channel in CHANNELS:
        no = record_of([*words, messages.Consent(recipient="north/c-1", channel=channel, state="opted_out", at=later)])
        yes = record_of([*words, messages.Consent(recipient="north/c-1", channel=channel, state="opted_in", at=later)])
        for asked in ("email", "sms"):
            assert may(no, asked) <= may(before, asked) <= may(yes, asked)


def test_a_change_of_a_contact_has_no_word_on_consent() -> None:
    """Neither the router reads contact changes, nor is there a field in them that could say it."""
    fields = set(ContactChange.__struct_fields__)
    assert not {name for name in fields if "consent" in name or "opt" in name}
    from schemas.topics import CONTACT_CHANGES, load_topics

    assert "peal-router" not in load_topics().topics[CONTACT_CHANGES].groups


def test_an_undated_yes_in_a_file_of_contacts_lifts_no_no_that_was_ever_said() -> None:
    file = ContactFile("csv", IMPORTED)
    rows = [*file.feed(b"id,phone,opt_in\nc-1,+919812345678,sms\n"), *file.finish()]
    (consent,) = rows[0].consents  # type: ignore[union-attr]
    no = messages.Consent(
        recipient="north/c-1", channel="sms", state="opted_out", at=datetime(2001, 1, 1, tzinfo=UTC)
    )  # fmt: skip
    yes = messages.Consent(recipient="north/c-1", channel="sms", state=consent.state, at=consent.at)
    for words in permutations([no, yes]):
        assert not may(record_of(words), "sms")
