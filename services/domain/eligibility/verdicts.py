"""What `decide` can say. Only the first two say something to anyone; the others leave the send as it stands."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Route(msgspec.Struct, frozen=True, gc=False):
    """The person may get this message now. `detail`: on what ground, in words; may be empty."""

    name: ClassVar[str] = "route"
    detail: str = ""


class Suppress(msgspec.Struct, frozen=True, gc=False):
    """The person may not get it. `reason` is a `schemas.Suppression`; `detail` says in words which rule matched."""

    name: ClassVar[str] = "suppress"
    reason: str
    detail: str = ""


class Repeat(msgspec.Struct, frozen=True, gc=False):
    """This attempt has its verdict."""

    name: ClassVar[str] = "repeat"


class NotYet(msgspec.Struct, frozen=True, gc=False):
    """The attempt before this one is not known to be over without a message gone out."""

    name: ClassVar[str] = "not_yet"


class Held(msgspec.Struct, frozen=True, gc=False):
    """A fallback, while it is open whether the message that it stands in for goes out, or went out."""

    name: ClassVar[str] = "held"


class Inactive(msgspec.Struct, frozen=True, gc=False):
    """The campaign is not active, or the request is of an epoch that is over."""

    name: ClassVar[str] = "inactive"


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """No such campaign or step is known, or the request is of an epoch that is not known yet."""

    name: ClassVar[str] = "unknown"


Verdict = Route | Suppress | Repeat | NotYet | Held | Inactive | Unknown

ROUTE, REPEAT, NOT_YET, HELD, INACTIVE, UNKNOWN = Route(), Repeat(), NotYet(), Held(), Inactive(), Unknown()
