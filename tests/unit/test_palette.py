"""What the command palette offers first."""

from services.console.core.matching import best

NAMES = ["Summer AC Service Reminder", "Campaigns", "Winter campaign", "New campaign", "Accounts"]


def test_nothing_typed_offers_everything_as_it_came() -> None:
    assert best("", NAMES, str) == NAMES


def test_names_that_begin_so_come_before_words_that_do_and_these_before_parts() -> None:
    assert best("camp", ["Decamped", "Winter campaign", "Campaigns"], str) == [
        "Campaigns",
        "Winter campaign",
        "Decamped",
    ]


def test_several_words_may_stand_anywhere_in_any_case() -> None:
    assert best("REMIND summer", NAMES, str) == ["Summer AC Service Reminder"]


def test_what_does_not_fit_is_not_offered() -> None:
    assert best("xyz", NAMES, str) == []
