"""Whom to look at: those with the longest values and with letters that make an SMS longer, somebody of each country,
and some by chance."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from schemas import AudienceFilter
from services.domain.audience import CONTACT_FIELDS, column_of, matching
from services.domain.forecast.prices import Sampled

LONGEST, WIDEST, COUNTRIES, CHANCE = 150, 100, 250, 100
MOST_SAMPLED: Final = LONGEST + WIDEST + COUNTRIES + CHANCE
_FIELDS: Final = sorted(CONTACT_FIELDS)


def sample_query(audience: AudienceFilter, names: Collection[str]) -> str:
    """`names`: placeholders of the content. Rows: recipient, the fields of a contact by name, attributes as JSON."""
    texts = [f"ifNull({column}, '')" for name in sorted(names) if (column := column_of(name))]
    letters = " + ".join(f"lengthUTF8({text})" for text in texts) or "0"
    wide = " OR ".join(f"length({text}) != lengthUTF8({text})" for text in texts) or "0"
    chosen = matching(audience)
    return f"""
SELECT recipient_id, {", ".join(_FIELDS)}, toJSONString(attributes) AS more
FROM v_contacts WHERE recipient_id IN
(
    SELECT recipient_id FROM
        (SELECT recipient_id, {letters} AS letters {chosen} ORDER BY letters DESC LIMIT {LONGEST})
    UNION ALL
    SELECT recipient_id FROM
        (SELECT recipient_id, {letters} AS letters {chosen} AND ({wide}) ORDER BY letters DESC LIMIT {WIDEST})
    UNION ALL
    SELECT any(recipient_id) {chosen} AND phone != '' GROUP BY substring(phone, 1, 4) LIMIT {COUNTRIES}
    UNION ALL
    SELECT recipient_id FROM
        (SELECT recipient_id, cityHash64(recipient_id) AS chance {chosen} ORDER BY chance LIMIT {CHANCE})
)
"""


def sampled_from(rows: Iterable[Sequence[Any]]) -> list[Sampled]:
    """From the rows of `sample_query`."""
    people = []
    for recipient, *values, more in rows:
        fields = dict(zip(_FIELDS, map(str, values), strict=True))
        data = fields | json.loads(more or "{}")
        people.append(Sampled(str(recipient), fields["email"], fields["phone"], data))
    return people
