"""Passwords of people: hashed by Argon2id, and compared so that nobody learns which names there are."""

from __future__ import annotations

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST: Final = 10
LONGEST: Final = 200
AT_ONCE: Final = 2
"""Each hashing takes 64 MB and some tens of milliseconds of four threads."""


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, hashed: str, password: str) -> bool:
        """Takes as long for whoever has no password, or is not known (`hashed`: "")."""
        async with self._places:
            return await asyncio.to_thread(self._fits, hashed, password[:LONGEST])

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._nobody, password) and bool(hashed)
        except (Argon2Error, InvalidHashError):
            return False


def weakness(password: str, *names: str) -> str:
    """Why it will not do, in words; "": it will."""
    if len(password) < SHORTEST:
        return f"choose at least {SHORTEST} characters: a few words that only you put together"
    if len(password) > LONGEST:
        return f"choose at most {LONGEST} characters"
    if len(set(password)) < 4:
        return "choose more than the same few characters over and over"
    plain = password.lower()
    if any(len(name) > 2 and name.lower() in plain and len(name) * 2 > len(plain) for name in names):
        return "choose one that is not made of your name"
    return ""
