"""Who has been erased, known again without being known: keyed hashes of ids and addresses, and the name that is left.

Keyed BLAKE2b (RFC 7693) under a key of its own, drawn from the installation's master key: without it nobody can try out
names. It costs a tenth of HMAC-SHA256, and it stands in the way of every event. The brand is part of what is hashed, so
that two brands' hashes of one address cannot be put together.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final, NamedTuple

CONTACT, EMAIL, PHONE = "contact", "email", "phone"
ERASED: Final = "erased"
"""Reason of the consent that asks for an erasure, and of the sends that are not made for it."""
FORGOTTEN: Final = "forgotten"
"""Reason of the consent that ends it: the router lets go of the record."""
PREFIX: Final = "erased-"
_PURPOSE: Final = b"peal erasure 1"
_NAME_DIGITS: Final = 20


class Mark(NamedTuple):
    """A row of the table `erased`, save the time."""

    brand: str
    kind: str
    hash: str


class Hasher:
    """Of one installation. Addresses must come in the spelling of `services.domain.addresses`. Some 1.3 µs a hash."""

    def __init__(self, master_key: str) -> None:
        """Raises ValueError where there is no key."""
        if not master_key:
            raise ValueError("nobody can be erased without PEAL_MASTER_KEY: set it for all services")
        self._keyed = hashlib.blake2b(key=hmac.digest(master_key.encode(), _PURPOSE, "sha256"), digest_size=32)

    def hash(self, brand: str, kind: str, value: str) -> str:
        """64 hexadecimal digits."""
        keyed = self._keyed.copy()
        keyed.update(f"{brand}\0{kind}\0{value}".encode())
        return keyed.hexdigest()

    def of_recipient(self, recipient: str) -> str:
        brand, _, contact = recipient.partition("/")
        return self.hash(brand, CONTACT, contact)

    def pseudonym(self, recipient: str) -> str:
        """`brand/contact` -> `brand/erased-<20 digits>`: always the same, so that what comes late finds its like."""
        return pseudonym_of(recipient, self.of_recipient(recipient))

    def marks(self, recipient: str, emails: Iterable[str], phones: Iterable[str]) -> set[Mark]:
        """All by which the person is to be known again."""
        brand, _, contact = recipient.partition("/")
        named = [(CONTACT, contact), *((EMAIL, value) for value in emails), *((PHONE, value) for value in phones)]
        return {Mark(brand, kind, self.hash(brand, kind, value)) for kind, value in named if value}


def pseudonym_of(recipient: str, digest: str) -> str:
    """`digest`: the hash of the recipient."""
    return f"{recipient.partition('/')[0]}/{PREFIX}{digest[:_NAME_DIGITS]}"


def looks_erased(recipient: str) -> bool:
    """Whether it has the form of a pseudonym. An upstream system may give such an id too: no proof."""
    contact = recipient.partition("/")[2]
    return contact.startswith(PREFIX) and len(contact) == len(PREFIX) + _NAME_DIGITS
