"""People to show messages as, and how many lack what the messages are filled with."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import AudienceFilter
from services.domain.audience import column_of, matching

SHOWN = "recipient_id, substring(recipient_id, position(recipient_id, '/') + 1) AS contact, name, email, phone, city"
PEOPLE = """
-- Some people of an audience; with a text that is too short for the index, those whose name holds it, or whose address
-- begins so.
SELECT %(shown)s
%(matching)s
  AND ({text:String} = '' OR positionCaseInsensitiveUTF8(name, {text:String}) > 0
       OR startsWith(lower(email), lower({text:String})) OR startsWith(phone, {text:String})
       OR recipient_id = concat({brand:String}, '/', {text:String}))
LIMIT {most:UInt32}
"""


SUPPRESSED = """
-- Which of these addresses must not be written to, by channel, and why.
SELECT channel, address, reason FROM address_suppressions FINAL
WHERE brand = {brand:String} AND address IN {addresses:Array(String)} AND lifted = 0
"""


def people(audience: AudienceFilter) -> str:
    """Parameters: `filter_parameters`, `text`, `most`."""
    return PEOPLE % {"shown": SHOWN, "matching": matching(audience)}


def lacking(audience: AudienceFilter, names: Sequence[str]) -> str:
    """One row: all people that the filter means, then how many of them lack each of `names`. Parameters:
    `filter_parameters`."""
    counts = [f"countIf(ifNull({column_of(name) or 'NULL'}, '') = '') AS lacking{at}" for at, name in enumerate(names)]
    return f"""
-- How many people there are, and how many have no value for each placeholder.
SELECT {", ".join(["count() AS people", *counts])} {matching(audience)}
"""
