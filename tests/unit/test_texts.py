"""Texts of the pages: in the reader's language where there is a catalogue, as written where there is none."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.console import texts
from services.console.pages.common import templates


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


WORDS = re.compile(r"[A-Za-z]{2,}")
NAMES = {"Peal", "Ctrl", "Esc", "Cmd"}
SPOKEN = re.compile(r"""\s(?:aria-label|title|placeholder|alt|data-done|data-label)=(["'])(.*?)\1""", re.DOTALL)
SAID = re.compile(r"<(script|style|code|pre|kbd)\b.*?</\1>|<[^>]*>|&\w+;|<!doctype[^>]*>", re.DOTALL | re.IGNORECASE)
TEMPLATES = texts.LOCALES.parent / "templates"


def bare_texts(template: str) -> list[str]:
    """What a template says in words of its own, outside of gettext; what stands between braces is left out."""
    inside, kept = False, []
    for _, kind, value in templates.env.lex(template):
        if kind == "name" and value in ("trans", "endtrans"):
            inside = value == "trans"
        if kind == "data" and not inside:
            kept.append(value)
        elif kind in ("variable_begin", "block_begin"):
            kept.append("\0")
    markup = "".join(kept).replace("<meta", "\0<meta")
    spoken = [match[2] for match in SPOKEN.finditer(markup)]
    return [text.strip() for text in (*SAID.sub("\0", markup).split("\0"), *spoken) if set(WORDS.findall(text)) - NAMES]


@pytest.mark.parametrize("name", sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.html")))
def test_every_text_of_a_template_can_be_translated(name: str) -> None:
    assert bare_texts((TEMPLATES / name).read_text()) == [], 'write {{ _("...") }} or {% trans %} around it'


def test_a_bare_text_is_found() -> None:
    assert bare_texts('<p title="More">{{ _("Good") }} bad {% trans %}good{% endtrans %}</p>') == ["bad", "More"]
