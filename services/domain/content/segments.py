"""How many segments an SMS takes: what providers bill and rates count.

The alphabets are those of 3GPP TS 23.038: the GSM 7-bit default alphabet and its extension table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENSION

Encoding = Literal["GSM-7", "UCS-2"]


@dataclass(frozen=True, slots=True)
class Segments:
    encoding: Encoding
    count: int
    """How many segments; an empty text takes one."""
    units: int
    """Septets (GSM-7; an extension character takes two) or 16-bit units (UCS-2; an emoji takes two or more)."""


def sms_segments(text: str) -> Segments:
    """Count as the providers do: a character that takes two units is never cut in half by the end of a segment."""
    if _GSM.issuperset(text):
        units = len(text) + sum(text.count(character) for character in _EXTENSION)
        if units <= 160:
            return Segments("GSM-7", 1, units)
        if units == len(text):
            return Segments("GSM-7", -(-units // 153), units)
        return Segments("GSM-7", _pack((2 if c in _EXTENSION else 1 for c in text), 153), units)
    units = len(text.encode("utf-16-le")) // 2
    if units <= 70:
        return Segments("UCS-2", 1, units)
    return Segments("UCS-2", _pack((2 if ord(c) > 0xFFFF else 1 for c in text), 67), units)


def _pack(widths: Iterable[int], size: int) -> int:
    count, left = 1, size
    for width in widths:
        if width > left:
            count, left = count + 1, size
        left -= width
    return count
