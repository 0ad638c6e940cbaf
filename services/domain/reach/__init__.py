"""Whom each channel reaches, of ten million people in one pass: what keeps messages from each as bits; their counts."""

from services.domain.reach.bits import (
    CHANNELS,
    HAS_EMAIL,
    HAS_PHONE,
    KNOWN,
    REFUSED,
    YES,
    said_of,
    why_not,
    with_reach,
)
from services.domain.reach.counts import TOLD, Reach, by_channel, counting, matched

__all__ = [
    "CHANNELS", "HAS_EMAIL", "HAS_PHONE", "KNOWN", "REFUSED", "TOLD", "YES", "Reach", "by_channel",
    "counting", "matched", "said_of", "why_not", "with_reach",
]  # fmt: skip
