"""Chance that can be repeated: the same seed and words always give the same draws."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

_SIXTEEN = Struct("<16I")
_SCALE = 1.0 / 2**32

Draws = tuple[float, ...]


def draws(seed: int, *words: str) -> Draws:
    """Sixteen numbers in [0, 1), independent of each other, decided by the seed and the words alone."""
    key = seed.to_bytes(8, "little", signed=True)
    digest = blake2b("\x1f".join(words).encode("utf-8", "surrogatepass"), digest_size=64, key=key).digest()
    return tuple(number * _SCALE for number in _SIXTEEN.unpack(digest))


def within(span: tuple[int, int], draw: float) -> int:
    """A whole number of milliseconds within the span; most are near its beginning, a few near its end."""
    low, high = span
    return low + int((high - low) * draw**3)
