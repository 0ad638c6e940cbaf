"""People of a brand: found by what is known of them, page by page in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas import AudienceFilter
from services.domain.audience import condition, filter_parameters

SHORTEST_WORD: Final = 3
"""Letters; an index of triples finds longer words anywhere, and none that is shorter."""
MOST_WORDS: Final = 5
COLUMNS: Final = "recipient_id, name, email, phone, role, city, pincode, zone, lists, last_active_at"
WITH_ATTRIBUTES: Final = f"{COLUMNS}, toJSONString(attributes) AS attributes_json"
COUNTS: Final = """
-- People of a brand: all, with a mail address, with a number.
SELECT count() AS people, countIf(email != '') AS with_email, countIf(phone != '') AS with_phone
FROM v_contacts WHERE brand = {brand:String}
"""
CITIES: Final = """
-- Cities, most people first.
SELECT toString(city) AS name, count() AS people FROM v_contacts WHERE brand = {brand:String} AND city != ''
GROUP BY city ORDER BY people DESC, name LIMIT {most:UInt32}
"""


@dataclass(frozen=True)
class Wanted:
    """All of it must hold; empty: everybody."""

    words: tuple[str, ...] = ()
    """Each stands somewhere in id, name, mail address, number or city."""
    city: str = ""
    list_: str = ""
    filter: AudienceFilter | None = None
    """Of a segment."""


def words_of(text: str) -> list[str]:
    """Of a search; without any of `SHORTEST_WORD` letters there are none, for it would mean a look at everybody."""
    words = text.lower().split()[:MOST_WORDS]
    return words if any(len(word) >= SHORTEST_WORD for word in words) else []


def needle(word: str) -> str:
    """A short word stands at the beginning of another one: anywhere within, it would be found in most ids."""
    return word if len(word) >= SHORTEST_WORD else f" {word}"


def people_page(wanted: Wanted, columns: str = COLUMNS) -> str:
    """Rows behind `after`, at most `page` of them. What was told since the last compaction counts before the base; that
    may have somebody twice until its parts are merged."""
    where = _where(wanted)
    return f"""
SELECT {columns} FROM
(
    SELECT * FROM contacts WHERE {where} AND recipient_id NOT IN (SELECT recipient_id FROM contacts_changes)
    ORDER BY recipient_id LIMIT {{page:UInt32}}
    UNION ALL
    SELECT * FROM contacts_changes FINAL WHERE {where} ORDER BY recipient_id LIMIT {{page:UInt32}}
)
ORDER BY recipient_id LIMIT {{page:UInt32}}
"""


def people_search(wanted: Wanted) -> str:
    """Their recipients alone."""
    return people_page(wanted, "recipient_id")


def page_parameters(wanted: Wanted, brand: str, now: datetime, page: int, after: str = "") -> dict[str, Any]:
    """`after`: the last recipient of the page before; empty: from the first."""
    given: dict[str, Any] = {"brand": brand, "after": after or f"{brand}/", "page": page}
    given |= {f"word{number}": f"%{_literal(needle(word))}%" for number, word in enumerate(wanted.words)}
    given |= {"city": wanted.city, "list": wanted.list_}
    return given | (filter_parameters(wanted.filter, brand, now) if wanted.filter is not None else {})


def _where(wanted: Wanted) -> str:
    parts = [
        "brand = {brand:String} AND startsWith(recipient_id, concat({brand:String}, '/'))",
        "recipient_id > {after:String} AND is_deleted = 0",
    ]
    parts += [f"search LIKE {{word{number}:String}}" for number in range(len(wanted.words))]
    if wanted.city:
        parts.append("city = {city:String}")
    if wanted.list_:
        parts.append("has(lists, {list:String})")
    if wanted.filter is not None:
        parts.append(condition(wanted.filter))
    return " AND ".join(parts)


def _literal(word: str) -> str:
    """Signs that stand for others in LIKE, as themselves."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
