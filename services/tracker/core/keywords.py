"""STOP, START and HELP in the languages that people write."""

from __future__ import annotations

import re
from typing import Final

import msgspec

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

    def meaning(self, text: str, opt_out_type: str = "") -> str:
        """`stop`, `start`, `help` or "". `opt_out_type`: what the provider already made of it, which counts too."""
        told = opt_out_type.strip().lower()
        return told if told in ("stop", "start", "help") else self.words.get(_plain(text), "")


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text).strip().casefold()
