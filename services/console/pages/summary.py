"""What is written in a draft, step by step in plain words: for the page on which it is looked over and sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.console.core.drafts import Sheet, channels_of, value_at
from services.console.pages.common import CHANNEL_NAMES
from services.console.texts import _, gettext, ngettext

Lines = list[tuple[str, str]]
"""(what, how it is)"""
LONGEST: Final = 280
WHOM: Final = {"all": _("Everybody"), "customer": _("Customers"), "partner": _("Partners")}
MODES: Final = {
    "fixed": _("at %(at)s (%(zone)s)"), "local": _("at %(at)s by each person's own clock"),
    "best_time": _("at each person's best hour, from %(at)s (%(zone)s) on"),
}  # fmt: skip
TO_WHOM: Final = {
    "always": _("to everybody"), "not_engaged": _("to those who have not engaged"),
    "not_delivered": _("to those to whom it could not be delivered"),
}  # fmt: skip


def summary(sheet: Sheet) -> dict[str, Lines]:
    """By step. What cannot be read is shown as it is written."""
    return {
        "general": _general(sheet),
        "content": _content(sheet),
        "audience": _audience(sheet),
        "budget": _money(sheet),
    }


def _general(sheet: Sheet) -> Lines:
    kinds = {"marketing": gettext("Marketing"), "transactional": gettext("Transactional")}
    kind = str(sheet.get("kind") or "marketing")
    return [
        (gettext("Name"), _text(sheet.get("name"))),
        (gettext("Description"), _text(sheet.get("description"))),
        (gettext("Channels"), ", ".join(_channel(channel.value) for channel in channels_of(sheet))),
        (gettext("Kind"), kinds.get(kind, kind)),
    ]


def _content(sheet: Sheet) -> Lines:
    lines = [
        (gettext("Message body"), _text(value_at(sheet, "body.text"))),
        (gettext("Link"), _text(value_at(sheet, "body.link"))),
    ]
    for channel in channels_of(sheet):
        name, own = channel.value, value_at(sheet, f"content.{channel.value}")
        template = value_at(sheet, f"templates.{name}")
        if isinstance(template, str):
            text = gettext("from the template %(name)s") % {"name": template}
        elif isinstance(own, Mapping) and own:
            text = "; ".join(_text(value) for value in own.values() if value)
        else:
            text = gettext("follows the body")
        lines.append((_channel(name), _short(text)))
    return [(label, text) for label, text in lines if text]


def _audience(sheet: Sheet) -> Lines:
    people, wanted = value_at(sheet, "audience.recipients"), value_at(sheet, "audience.filter")
    if isinstance(people, list):
        count = len(people)
        return [(gettext("Listed people"), ngettext("%(n)s person", "%(n)s people", count) % {"n": f"{count:,}"})]
    if not isinstance(wanted, Mapping):
        return []
    role = str(wanted.get("role") or "all")
    lines = [(gettext("Role"), gettext(WHOM.get(role, role)))]
    days = wanted.get("active_within_days")
    named = {
        "cities": gettext("Cities"), "pincodes": gettext("Pincodes"), "lists": gettext("Lists"),
        "not_in_campaigns": gettext("Without the people of"), "not_reached_by": gettext("Without whom have reached"),
    }  # fmt: skip
    lines += [(label, _text(wanted[name])) for name, label in named.items() if wanted.get(name)]
    if days:
        lines.append((gettext("Active"), gettext("in the last %(n)s days") % {"n": days}))
    if isinstance(attributes := wanted.get("attributes"), Mapping):
        lines += [(name, _test(test)) for name, test in attributes.items()]
    lines += [
        (gettext("And"), _short(f"{name}: {_text(wanted[name])}")) for name in ("all", "any", "not") if wanted.get(name)
    ]
    return lines


def _test(test: Any) -> str:
    if not isinstance(test, Mapping):
        return _text(test)
    words = {"at_least": gettext("at least %(value)s"), "at_most": gettext("at most %(value)s")}
    parts = [words[name] % {"value": _text(value)} for name, value in test.items() if name in words]
    if test.get("exists") is not None:
        parts.append(gettext("is there") if test["exists"] else gettext("is missing"))
    return ", ".join(parts)


def _money(sheet: Sheet) -> Lines:
    total, currency = value_at(sheet, "budget.total"), value_at(sheet, "budget.currency") or "USD"
    lines = [(gettext("Budget"), f"{total} {currency}" if total else gettext("none: nothing limits what is spent"))]
    if isinstance(parts := value_at(sheet, "budget.allocation"), Mapping):
        shares = [
            f"{_channel(name)} {share if str(share).endswith('%') else f'{share} {currency}'}"
            for name, share in parts.items()
        ]
        lines.append((gettext("Parts of the channels"), ", ".join(shares)))
    lines += [(gettext("Begins"), _when(sheet)), (gettext("How the channels work together"), " ".join(_chain(sheet)))]
    hours, caps = value_at(sheet, "limits.quiet_hours"), value_at(sheet, "limits.caps")
    if isinstance(hours, Mapping):
        lines.append((gettext("Quiet hours"), f"{_text(hours.get('from'))[:5]} – {_text(hours.get('to'))[:5]}"))
    if isinstance(caps, list):
        said = gettext("at most %(n)s in %(per)s")
        known = [each for each in caps if isinstance(each, Mapping)]
        lines.append(
            (
                gettext("Frequency caps"),
                ", ".join(said % {"n": each.get("messages"), "per": each.get("per")} for each in known),
            )
        )
    if expiry := value_at(sheet, "limits.expires_after"):
        lines.append((gettext("Expiry"), gettext("%(per)s after a step is due") % {"per": expiry}))
    return lines


def _when(sheet: Sheet) -> str:
    schedule = sheet.get("schedule")
    if not isinstance(schedule, Mapping):
        return gettext("as soon as it is sent")
    mode = MODES.get(str(schedule.get("mode") or "fixed"), MODES["fixed"])
    at = _text(schedule.get("at")).replace("T", " ")
    return gettext(mode) % {"at": at, "zone": schedule.get("zone") or gettext("as written")}


def _chain(sheet: Sheet) -> list[str]:
    steps = sheet.get("steps")
    if not isinstance(steps, list) or not steps:
        return [gettext("All at once.")] if channels_of(sheet) else []
    said = []
    for number, step in enumerate(each for each in steps if isinstance(each, Mapping)):
        whom = gettext(TO_WHOM.get(str(step.get("only_if") or "always"), "to everybody"))
        values = {"channel": _channel(str(step.get("channel"))), "whom": whom, "after": step.get("after")}
        text = (
            gettext("%(after)s after that %(channel)s, %(whom)s.")
            if number and step.get("after")
            else gettext("%(channel)s, %(whom)s.")
        )
        said.append(text % values)
    return said


def _channel(name: str) -> str:
    return CHANNEL_NAMES.get(name, name)


def _text(value: Any) -> str:
    if isinstance(value, list) and all(not isinstance(each, Mapping | list) for each in value):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
