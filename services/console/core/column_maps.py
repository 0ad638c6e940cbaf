"""Columns of somebody's file as what Peal knows of people: guessed by their names, and put to use row by row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas import Channel, FieldError
from services.console.core.contact_rows import FIELDS, OPT_IN_AT, BadRowError
from services.domain.addresses import clean_email, phone_number

IGNORED: Final = ""
ATTRIBUTE: Final = "attribute"
"""Kept under the column's own name."""
CONSENT: Final = "consent."
"""With a channel: a yes in the column is an opt-in to it."""
TARGETS: Final = (
    "id",
    *FIELDS,
    "lists",
    "opt_in",
    OPT_IN_AT,
    *(f"{CONSENT}{each.value}" for each in Channel),
    ATTRIBUTE,
)
SEVERAL: Final = frozenset({IGNORED, ATTRIBUTE, "name"})
"""What more than one column may be; names are put together in the order of the columns."""
YES: Final = frozenset({
    "1", "y", "yes", "true", "x", "on", "ok", "subscribed", "opted in", "opted_in", "ja", "si", "sí", "oui",
})  # fmt: skip
_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "contact", "contactid", "customerid", "userid", "externalid", "subscriberid", "personid", "customerno",
           "customernumber", "memberid"),
    "name": ("name", "fullname", "customername", "displayname", "firstname", "lastname", "surname", "givenname"),
    "email": ("email", "mail", "emailaddress", "emailid", "mailaddress", "emails"),
    "phone": (
        "phone", "mobile", "phonenumber", "mobilenumber", "tel", "telephone", "cell", "cellphone", "whatsappnumber",
        "contactnumber", "msisdn", "mobileno", "phoneno",
    ),
    "role": ("role", "customertype"),
    "city": ("city", "town"),
    "pincode": ("pincode", "pin", "zip", "zipcode", "postcode", "postalcode"),
    "zone": ("zone", "timezone", "tz"),
    "last_active_at": ("lastactiveat", "lastactive", "lastseen", "lastseenat", "lastlogin", "lastvisit"),
    "lists": ("lists", "list"),
    "opt_in": ("optin", "optins", "optinchannels"),
    OPT_IN_AT: ("optinat", "consentat", "consentdate", "optindate"),
}  # fmt: skip
_KNOWN: Final = {word: target for target, words in _WORDS.items() for word in words}


def guess(header: Sequence[str]) -> dict[str, str]:
    """Column -> what it likely is; what says nothing by its name is kept as an attribute."""
    found: dict[str, str] = {}
    for column in header:
        target = _target(re.sub(r"[^a-z0-9]", "", column.lower()))
        found[column] = ATTRIBUTE if target not in SEVERAL and target in found.values() else target
    return found


def _target(word: str) -> str:
    if word in _KNOWN:
        return _KNOWN[word]
    for channel in Channel:
        for agreed in ("optin", "consent", "subscribed", "optedin"):
            if word in (f"{channel.value}{agreed}", f"{agreed}{channel.value}", f"{agreed}to{channel.value}"):
                return f"{CONSENT}{channel.value}"
    return ATTRIBUTE


def map_problems(header: Sequence[str], mapping: Mapping[str, str]) -> list[FieldError]:
    """What is wrong with a choice: unknown names, two columns for one thing, nobody's id."""
    errors = [
        _error(column, "unknown_column", f"the file has no column '{column[:60]}'")
        for column in mapping if column not in header
    ]  # fmt: skip
    seen: dict[str, str] = {}
    for column, target in mapping.items():
        if target not in TARGETS and target != IGNORED:
            errors.append(_error(column, "unknown_value", f"'{target[:40]}' is nothing that a column can be"))
        elif target not in SEVERAL and target in seen:
            message = f"'{seen[target]}' is taken for this already: choose one of the two columns"
            errors.append(_error(column, "twice", message))
        else:
            seen[target] = column
    if not {"id", "email", "phone"} & set(mapping.values()):
        message = (
            "no column says who it is: choose one for the id, or for the mail address or the number, which then are it"
        )
        errors.append(FieldError(field="mapping", problem="no_id", message=message))
    return errors


def mapped(row: Mapping[str, Any], mapping: Mapping[str, str], region: str | None) -> dict[str, Any]:
    """A row as an import reads it. Who has no id is known by the mail address, else the number.

    Raises `BadRowError`.
    """
    made: dict[str, Any] = {}
    channels: list[str] = []
    for column, value in row.items():
        text, target = str(value if value is not None else "").strip(), mapping.get(column, IGNORED)
        if target == IGNORED or not text:
            continue
        if target == "name":
            made["name"] = f"{made['name']} {text}" if "name" in made else text
        elif target == ATTRIBUTE:
            made.setdefault("attributes", {})[column] = value
        elif target == "opt_in":
            channels += text.replace(",", " ").replace(";", " ").split()
        elif target.startswith(CONSENT):
            channels += [target.removeprefix(CONSENT)] if text.lower() in YES else []
        else:
            made[target] = text
    if channels:
        made["opt_in"] = channels
    if not made.get("id"):
        made["id"] = _own_id(made, region)
    return made


def _own_id(row: Mapping[str, Any], region: str | None) -> str:
    if email := row.get("email"):
        return clean_email(str(email))
    if (phone := row.get("phone")) and (number := phone_number(str(phone), region)):
        return number
    raise BadRowError("id", "missing", "the row has neither an id nor a mail address nor a number to be known by")


def _error(column: str, problem: str, message: str) -> FieldError:
    return FieldError(field=f"mapping.{column}", problem=problem, message=message)
