"""STOP, START and HELP in the languages that people write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from schemas import Brand

DEFAULT_WORDS: Final[dict[str, dict[str, list[str]]]] = {
    "en": {
        "stop": ["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "stop all"],
        "start": ["start", "unstop", "subscribe", "opt in", "optin"],
        "help": ["help", "info"],
    },
    "hi": {"stop": ["रोकें", "बंद", "बंद करें", "band karo"], "start": ["शुरू", "चालू"], "help": ["मदद", "सहायता"]},
    "es": {"stop": ["parar", "alto", "baja", "cancelar"], "start": ["empezar", "alta"], "help": ["ayuda"]},
    "fr": {"stop": ["arret", "arrêt", "arreter", "arrêter"], "start": ["reprendre"], "help": ["aide"]},
    "de": {"stop": ["stopp", "abmelden", "abbestellen"], "start": ["anmelden"], "help": ["hilfe"]},
    "pt": {"stop": ["parar", "sair", "cancelar"], "start": ["voltar"], "help": ["ajuda"]},
}
"""Language -> meaning -> words. Carriers demand the English ones everywhere."""
_NOISE = re.compile(r"[\s.,!?;:'\"“”„()\[\]*_-]+")


class Keywords(msgspec.Struct, frozen=True):
    words: dict[str, str]
    """Word, without punctuation and in lower case -> `stop`, `start` or `help`."""

    @classmethod
    def of(cls, languages: dict[str, dict[str, list[str]]]) -> Keywords:
        """Where languages disagree about a word, stop wins: a wrong stop can be undone, a wrong message cannot."""
        words: dict[str, str] = {}
        for meaning in ("help", "start", "stop"):
            for language in languages.values():
                words |= {_plain(word): meaning for word in language.get(meaning, [])}
        return cls(words)

    @classmethod
    def for_brands(cls, usual: Mapping[str, dict[str, list[str]]], brands: Iterable[Brand]) -> Keywords:
        """Of a number that these brands write from: the installation's words and theirs. A word that is a stop for one
        of them is a stop for all: nobody who writes to a number knows who shares it."""
        languages = dict(enumerate(usual.values()))
        for brand in brands:
            for words in brand.keywords.values():
                own = {"stop": words.stop, "start": words.start, "help": words.help}
                languages[len(languages)] = {meaning: list(named) for meaning, named in own.items()}
        return cls.of({str(number): words for number, words in languages.items()})

    def meaning(self, text: str, opt_out_type: str = "") -> str:
        """`stop`, `start`, `help` or "". `opt_out_type`: what the provider already made of it, which counts too."""
        told = opt_out_type.strip().lower()
        return told if told in ("stop", "start", "help") else self.words.get(_plain(text), "")


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text).strip().casefold()


def help_answer(brand: Brand, text: str) -> str:
    """What the brand answers to a word for help: in the language of the word, else in the first that has an answer."""
    asked = _plain(text)
    answers = [words for words in brand.keywords.values() if words.help_answer]
    own = (words for words in answers if asked in {_plain(word) for word in words.help})
    found = next(own, answers[0] if answers else None)
    return found.help_answer if found else ""
