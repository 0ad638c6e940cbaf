"""A file of contacts: good rows go in, bad rows come back with their line and what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Channel
from services.console.core.contact_files import BadRow, ContactFile, FileError, kind_of
from services.console.core.contact_rows import UNDATED_OPT_IN, GoodRow, Imported
from services.console.core.csv_records import MOST_LINES, Records
from services.domain.messages import ContactSet

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HEADER = "id,name,email,phone,role,city,pincode,zone,last_active_at,opt_in,plan\n"


def read(text: str | bytes, kind: str = "csv", piece: int = 7, region: str | None = None) -> list[GoodRow | BadRow]:
    content = text.encode() if isinstance(text, str) else text
    file = ContactFile(kind, Imported("default", NOW, "import test.csv", region))  # type: ignore[arg-type]
    rows: list[GoodRow | BadRow] = []
    for at in range(0, len(content), piece):
        rows += file.feed(content[at : at + piece])
    return rows + list(file.finish())


def good(rows: list[GoodRow | BadRow]) -> list[GoodRow]:
    return [row for row in rows if isinstance(row, GoodRow)]


def bad(rows: list[GoodRow | BadRow]) -> list[tuple[int, str, str]]:
    return [(row.line, row.field, row.problem) for row in rows if isinstance(row, BadRow)]


def test_a_row_becomes_a_change_and_consents() -> None:
    (row,) = good(
        read(
            HEADER + "c-1,Asha, Asha@Example.com ,+91 98123 45678,customer,Pune,411001,"
            "Asia/Kolkata,2026-11-01,sms whatsapp,gold\n"
        )
    )
    fields = row.change.set
    assert row.change.recipient == "default/c-1"
    assert row.change.occurred_at == NOW
    assert (fields.email, fields.phone, fields.pincode) == ("asha@example.com", "+919812345678", "411001")
    assert fields.last_active_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert fields.attributes == {"plan": "gold"}
    assert [consent.channel for consent in row.consents] == [Channel.SMS, Channel.WHATSAPP]
    assert {(consent.state, consent.at) for consent in row.consents} == {("opted_in", UNDATED_OPT_IN)}


def test_an_empty_cell_says_nothing() -> None:
    (row,) = good(read(HEADER + "c-1,,,,,,,,,,\n"))
    assert row.change.set == ContactSet()
    assert not row.consents


@pytest.mark.parametrize("given", ["email sms", "email;sms", "Email; SMS;", " email,sms "])
def test_channels_that_somebody_agreed_to_may_be_parted_as_lists_are(given: str) -> None:
    (row,) = good(read(f'id,opt_in\nc-1,"{given}"\n'))
    assert [consent.channel for consent in row.consents] == ["email", "sms"]


def test_an_opt_in_with_its_time_keeps_it() -> None:
    (row,) = good(read("id,opt_in,opt_in_at\nc-1,sms,2026-05-01T10:00:00+05:30\n"))
    assert row.consents[0].at == datetime(2026, 5, 1, 4, 30, tzinfo=UTC)
    assert row.change.set.attributes == {}


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        (",no id,,,,,,,,,", "id", "missing"),
        ("bad id,x,,,,,,,,,", "id", "invalid"),
        ("c-2,x,notmail,,,,,,,,", "email", "invalid_address"),
        ("c-2,x,,12,,,,,,,", "phone", "invalid_address"),
        ("c-2,x,,9812345678,,,,,,,", "phone", "invalid_address"),
        ("c-2,x,,,,,,Asia/Puna,,,", "zone", "unknown_value"),
        ("c-2,x,,,,,,,yesterday,,", "last_active_at", "invalid"),
        ("c-2,x,,,,,,,2026-11-01T10:00:00,,", "last_active_at", "no_zone"),
        ("c-2,x,,,,,,,,emial,", "opt_in", "unknown_channel"),
        ("c-2,x", "row", "wrong_columns"),
        ('c-2,"x"y,,,,,,,,,', "row", "not_csv"),
        ("c-1,again,,,,,,,,,", "id", "duplicate_id"),
        (f"c-2,{'x' * 5000},,,,,,,,,", "name", "too_long"),
    ],
)
def test_a_bad_row_comes_back_with_its_line_and_its_neighbours_go_in(line: str, field: str, problem: str) -> None:
    rows = read(f"{HEADER}c-1,Asha,,,,,,,,,\n{line}\nc-3,Ravi,,,,,,,,,\n")
    assert bad(rows) == [(3, field, problem)]
    assert [row.change.recipient for row in good(rows)] == ["default/c-1", "default/c-3"]


def test_a_number_without_country_code_takes_the_set_region() -> None:
    (row,) = good(read("id,phone\nc-1,9812345678\n", region="IN"))
    assert row.change.set.phone == "+919812345678"


def test_a_row_that_is_not_utf8_is_bad_and_no_other_is() -> None:
    rows = read(b"id,name\nc-1,Asha\nc-2,\xff\xfe\nc-3,Ravi\n")
    assert bad(rows) == [(3, "row", "not_utf8")]
    assert len(good(rows)) == 2


def test_a_quoted_field_may_hold_commas_quotes_and_line_feeds_and_lines_are_still_counted() -> None:
    rows = read('id,name\nc-1,"Asha ""A""\nRao, Dr."\nc-2\n')
    assert good(rows)[0].change.set.name == 'Asha "A"\nRao, Dr.'
    assert bad(rows) == [(4, "row", "wrong_columns")]


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    people = "".join(f"c-{number},x\n" for number in range(3 * MOST_LINES))
    rows = read(f'id,name\nbroken,"oops\n{people}')
    assert bad(rows) == [(2, "row", "not_csv")]
    assert len(good(rows)) == 3 * MOST_LINES


def test_a_quote_inside_a_field_opens_nothing() -> None:
    rows = read('id,name\nc-1,5" pipe\nc-2,Ravi\n')
    assert good(rows)[0].change.set.name == '5" pipe'
    assert len(good(rows)) == 2


def test_byte_order_mark_carriage_returns_and_empty_lines_do_no_harm() -> None:
    rows = read(b"\xef\xbb\xbfid,name\r\n\r\nc-1,Asha\r\n\r\nc-2,Ravi")
    assert [row.change.set.name for row in good(rows)] == ["Asha", "Ravi"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"name,email\nAsha,a@b.c\n", "no_header"),
        (b"id,,x\n", "bad_header"),
        (b"id,\xff\n", "bad_header"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_whole(content: bytes, problem: str) -> None:
    with pytest.raises(FileError) as caught:
        read(content)
    assert caught.value.error.problem == problem


def test_ndjson_takes_attributes_and_lists() -> None:
    first = {"id": "c-1", "phone": "+919812345678", "opt_in": ["sms"], "attributes": {"plan": "gold", "visits": 3}}
    rows = read(json.dumps(first) + '\n[1]\n{"id": "c-2", "x": {"deep": 1}}\nnot json\n', kind="ndjson")
    assert good(rows)[0].change.set.attributes == {"plan": "gold", "visits": 3}
    assert bad(rows) == [(2, "row", "not_json"), (3, "x", "invalid"), (4, "row", "not_json")]


def test_the_kind_follows_the_type_and_else_the_name() -> None:
    assert kind_of("text/csv; charset=utf-8", "") == "csv"
    assert kind_of("application/octet-stream", "people.NDJSON") == "ndjson"
    with pytest.raises(FileError):
        kind_of("application/octet-stream", "people.xlsx")


@given(st.text(alphabet='a,"\n', max_size=200), st.integers(1, 20))
def test_records_are_the_same_however_the_file_is_cut(text: str, piece: int) -> None:
    content = text.encode()

    def split(size: int) -> list[tuple[int, bytes]]:
        records, found = Records(quoted=True), []
        for at in range(0, len(content), size):
            found += records.feed(content[at : at + size])
        return found + list(records.finish())

    whole = split(max(1, len(content)))
    assert split(piece) == whole
    assert b"\n".join(record for _, record in whole) == content.removesuffix(b"\n")
