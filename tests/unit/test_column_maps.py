"""Files of contacts as others write them: columns are guessed, chosen and read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from services.console.core.column_maps import guess, map_problems, mapped
from services.console.core.contact_files import BadRow, FileError
from services.console.core.contact_rows import BadRowError, GoodRow, Imported
from services.console.core.import_jobs import MappedFile, Mistakes, sample_of
from services.console.queries.contacts import Wanted, page_parameters, people_page, words_of

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
IMPORTED = Imported("default", NOW, "import crm.csv", "IN", "spring")


def test_columns_are_guessed_by_their_names_whatever_their_spelling() -> None:
    header = [
        "Customer ID",
        "First Name",
        "Last name",
        "E-mail",
        "Mobile No.",
        "ZIP code",
        "SMS opt-in",
        "Plan",
        "Mail",
    ]
    assert guess(header) == {
        "Customer ID": "id", "First Name": "name", "Last name": "name", "E-mail": "email", "Mobile No.": "phone",
        "ZIP code": "pincode", "SMS opt-in": "consent.sms", "Plan": "attribute", "Mail": "attribute",
    }  # fmt: skip


def test_a_choice_must_say_who_it_is_and_take_each_thing_from_one_column() -> None:
    problems = map_problems(["a", "b"], {"a": "city", "b": "city", "c": "id"})
    assert {(error.field, error.problem) for error in problems} == {
        ("mapping.b", "twice"),
        ("mapping.c", "unknown_column"),
    }
    assert [error.problem for error in map_problems(["a"], {"a": "city"})] == ["no_id"]
    assert [error.problem for error in map_problems(["a"], {"a": "nonsense"})] == ["unknown_value", "no_id"]
    assert map_problems(["a", "b", "c"], {"a": "email", "b": "name", "c": "name"}) == []


def test_a_row_is_read_by_the_chosen_columns_and_a_yes_is_an_opt_in() -> None:
    mapping = {
        "First": "name",
        "Last": "name",
        "Mail": "email",
        "SMS?": "consent.sms",
        "WA": "consent.whatsapp",
        "Plan": "attribute",
    }
    row = {
        "First": "Asha",
        "Last": "Rao",
        "Mail": " Asha@Example.com",
        "SMS?": "Yes",
        "WA": "no",
        "Plan": "gold",
        "Note": "x",
    }
    assert mapped(row, mapping, "IN") == {
        "name": "Asha Rao", "email": "Asha@Example.com", "opt_in": ["sms"], "attributes": {"Plan": "gold"},
        "id": "asha@example.com",
    }  # fmt: skip
    assert mapped({"Tel": "098123 45678"}, {"Tel": "phone"}, "IN")["id"] == "+919812345678"
    with pytest.raises(BadRowError, match="neither an id nor a mail address"):
        mapped({"City": "Pune"}, {"City": "city"}, "IN")


def test_a_file_with_other_columns_gives_people_and_says_what_is_wrong_with_which_row() -> None:
    file = MappedFile("csv", IMPORTED, {"Who": "name", "Mail": "email", "Tel": "phone"})
    content = b"Who,Mail,Tel\nAsha,a@example.com,9812345678\nBob,b@example,\nCora,,nonsense\nAsha,a@example.com,\n"
    rows = [*file.feed(content), *file.finish()]
    good = [row for row in rows if isinstance(row, GoodRow)]
    assert [row.change.recipient for row in good] == ["default/a@example.com"]
    assert (good[0].change.set.phone, good[0].change.set.lists) == ("+919812345678", ["spring"])
    mistakes = Mistakes()
    for row in rows:
        if isinstance(row, BadRow):
            mistakes.add(row)
    assert [(each.field, each.problem, each.rows, each.line) for each in mistakes.listed()] == [
        ("email", "invalid_address", 1, 3), ("id", "duplicate_id", 1, 5), ("id", "missing", 1, 4),
    ]  # fmt: skip


def test_the_first_rows_of_a_file_are_shown_before_it_is_read() -> None:
    header, rows = sample_of("csv", b"\xef\xbb\xbfa,b\n1,2\n3,4\n5", whole=False)
    assert (header, rows) == (["a", "b"], [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}])
    lines = "\n".join(json.dumps({"id": n, "city": "Pune"}) for n in range(9)).encode()
    header, rows = sample_of("ndjson", lines, whole=True)
    assert (header, len(rows)) == (["id", "city"], 5)
    with pytest.raises(FileError, match="empty"):
        sample_of("csv", b"", whole=True)


def test_a_search_takes_parts_of_three_letters_or_more_as_they_are_written() -> None:
    assert words_of("  Asha RAO 98 ") == ["asha", "rao", "98"]
    assert words_of("ab c") == []
    wanted = Wanted(("50%", "a_b", "7"), city="Pune")
    given = page_parameters(wanted, "north", NOW, 51, "north/c-7")
    assert (given["word0"], given["word1"], given["after"]) == (r"%50\%%", r"%a\_b%", "north/c-7")
    assert given["word2"] == "% 7%", "a short word is the beginning of one"
    assert people_page(wanted).count("search LIKE") == 6
