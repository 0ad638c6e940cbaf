"""Texts of the pages through gettext: in the reader's language where there is a catalogue of it, else as written."""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALES = Path(__file__).parent / "locale"
"""One `<language>.po` a language; the texts themselves are the English ones."""
WRITTEN_IN = "en"
_spoken: ContextVar[NullTranslations] = ContextVar("spoken")


def _(text: str) -> str:
    """Marks a text for translation; it is translated where it is shown."""
    return text


def gettext(message: str) -> str:
    """In the language of the request under way."""
    return _spoken.get(_AS_WRITTEN).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    return _spoken.get(_AS_WRITTEN).ngettext(one, many, count)


def language_of(accepted: str) -> str:
    """The best that there is a catalogue of, for a header `Accept-Language`."""
    wanted = [part.partition(";")[0].strip() for part in accepted.split(",") if part.strip()]
    return negotiate_locale(wanted, [WRITTEN_IN, *languages()], sep="-") or WRITTEN_IN


def speak(language: str) -> None:
    """From here on in this request, or this task."""
    _spoken.set(catalogue(language))


@cache
def languages() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in LOCALES.glob("*.po")))


@cache
def catalogue(language: str) -> NullTranslations:
    if language not in languages():
        return _AS_WRITTEN
    compiled = BytesIO()
    with (LOCALES / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.replace("-", "_")))
    compiled.seek(0)
    return Translations(compiled)


_AS_WRITTEN = NullTranslations()
