"""Who an audience's filter means: the conditions on `v_contacts`, the same for a preview as for the launch."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from schemas import AudienceFilter

SAFE_PATH = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")
"""Names of attributes that may stand in a statement; others match nobody."""

MATCHING = """
FROM v_contacts
WHERE brand = {brand:String}
  AND ({role:String} IN ('', 'all') OR role = {role:String})
  AND (empty({cities:Array(String)}) OR city IN {cities:Array(String)})
  AND (empty({pincodes:Array(String)}) OR pincode IN {pincodes:Array(String)})
  AND ({active_days:UInt32} = 0 OR last_active_at >= {now:DateTime('UTC')} - toIntervalDay({active_days:UInt32}))
"""


def matching(audience: AudienceFilter) -> str:
    """`FROM ... WHERE ...` of the people that a filter means."""
    return MATCHING + "".join(_condition(number, name) for number, name in enumerate(audience.attributes))


def _condition(number: int, name: str) -> str:
    if not SAFE_PATH.match(name):
        return "  AND 0\n"
    return f"  AND toString(attributes.`{name}`) IN {{attribute{number}:Array(String)}}\n"


def filter_parameters(audience: AudienceFilter, brand: str, now: datetime) -> dict[str, Any]:
    """ClickHouse's parameters of `matching`."""
    parameters: dict[str, Any] = {
        "brand": brand,
        "role": audience.role or "",
        "cities": audience.cities,
        "pincodes": audience.pincodes,
        "active_days": audience.active_within_days or 0,
        "now": now.replace(microsecond=0, tzinfo=None),
    }
    for number, value in enumerate(audience.attributes.values()):
        parameters[f"attribute{number}"] = [_text(v) for v in value] if isinstance(value, list) else [_text(value)]
    return parameters


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
