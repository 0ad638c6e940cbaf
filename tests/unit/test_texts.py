"""Texts of the pages: in the reader's language where there is a catalogue, as written where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.console import texts


@pytest.fixture
def _german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "de.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
        'msgid "Campaigns"\nmsgstr "Kampagnen"\n'
        'msgid "%(n)s person"\nmsgid_plural "%(n)s people"\nmsgstr[0] "%(n)s Mensch"\nmsgstr[1] "%(n)s Menschen"\n'
    )
    monkeypatch.setattr(texts, "LOCALES", tmp_path)
    texts.languages.cache_clear()
    texts.catalogue.cache_clear()
    yield
    texts.languages.cache_clear()
    texts.catalogue.cache_clear()
    texts.speak(texts.WRITTEN_IN)


@pytest.mark.usefixtures("_german")
def test_the_reader_s_language_is_spoken_where_there_is_a_catalogue() -> None:
    texts.speak(texts.language_of("de-AT,de;q=0.9,en;q=0.5"))
    assert texts.gettext("Campaigns") == "Kampagnen"
    assert texts.ngettext("%(n)s person", "%(n)s people", 2) == "%(n)s Menschen"


@pytest.mark.usefixtures("_german")
def test_a_text_that_is_not_translated_stands_as_written() -> None:
    texts.speak("de")
    assert texts.gettext("Dashboard") == "Dashboard"


@pytest.mark.usefixtures("_german")
@pytest.mark.parametrize("accepted", ["", "*", "fr", "en-GB,en;q=0.9,de;q=0.1", "rubbish;;q=,,"])
def test_without_a_catalogue_everything_stands_as_written(accepted: str) -> None:
    texts.speak(texts.language_of(accepted))
    assert texts.gettext("Campaigns") == "Campaigns"
