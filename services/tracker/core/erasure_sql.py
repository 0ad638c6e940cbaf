"""What an erasure says to ClickHouse. No statement names a person: statements are kept in logs and in mutations.

Whom it is about stands in the table `erasures`, while it is under way. Every statement can be repeated.
"""

from __future__ import annotations

from typing import Final

_AT_WORK: Final = "SELECT recipient_id FROM erasures WHERE state = 'erasing' AND recipient_id != ''"
_NAMES: Final = (
    "(SELECT DISTINCT recipient_id, pseudonym FROM erasures WHERE state = 'erasing' AND recipient_id != '') AS e"
)

OPEN: Final = """
SELECT recipient_id, any(pseudonym), max(state = 'erasing'), groupUniqArrayArray(emails), groupUniqArrayArray(phones),
       toUnixTimestamp64Milli(min(requested_at))
FROM erasures WHERE recipient_id != '' GROUP BY recipient_id ORDER BY min(requested_at) LIMIT 1000
"""

ADDRESSES: Final = """
-- Every address that is known of somebody who is to be erased.
SELECT recipient_id, groupUniqArrayIf(email, email != ''), groupUniqArrayIf(phone, phone != '')
FROM
(
    SELECT recipient_id, email, phone FROM contacts
    UNION ALL SELECT recipient_id, email, phone FROM contacts_changes
    UNION ALL SELECT recipient_id, email, phone FROM audience_members
)
WHERE recipient_id IN (SELECT recipient_id FROM erasures WHERE recipient_id != '')
GROUP BY recipient_id
"""

QUEUED: Final = """
-- Who of them has messages under way, and how many.
SELECT person, countIf(standing % 256 = 20)
FROM
(
    SELECT if(e.recipient_id != '', e.recipient_id, s.recipient_id) AS person, campaign_id, step,
           tupleElement(max(s.top), 1) AS standing
    FROM standings AS s
    LEFT JOIN (SELECT DISTINCT recipient_id, pseudonym FROM erasures WHERE recipient_id != '') AS e
        ON e.pseudonym = s.recipient_id
    WHERE s.recipient_id IN
    (
        SELECT arrayJoin([recipient_id, pseudonym]) FROM erasures WHERE recipient_id != ''
    )
    GROUP BY person, campaign_id, step
)
GROUP BY person
"""

COPIES: Final = (
    # The sets of ordinals are unions, so the same event told again, under another name, changes no count.
    f"""
INSERT INTO delivery_events (recipient_id, campaign_id, step, channel, attempt, status, reason, ord, account, source,
    machine, provider, cost_micros, cost_basis, occurred_at, kafka_partition, kafka_offset, ingested_at)
SELECT e.pseudonym, campaign_id, step, channel, attempt, status, reason, ord, account, source,
    machine, provider, cost_micros, cost_basis, occurred_at, kafka_partition, kafka_offset, ingested_at
FROM delivery_events AS d INNER JOIN {_NAMES} ON e.recipient_id = d.recipient_id
WHERE d.recipient_id IN ({_AT_WORK})
""",
    f"""
INSERT INTO engagements (recipient_id, brand, kind, campaign_id, at, value, ingested_at)
SELECT e.pseudonym, brand, kind, campaign_id, at, value, ingested_at
FROM engagements AS g INNER JOIN {_NAMES} ON e.recipient_id = g.recipient_id
WHERE g.recipient_id IN ({_AT_WORK})
""",
    f"""
INSERT INTO audit_log (brand, at, entry_id, operator, source, action, object, recipient_id, status, epoch_before,
    epoch_after, detail, ingested_at)
SELECT brand, at, entry_id, operator, source, action, object, e.pseudonym, status, epoch_before, epoch_after, detail,
    ingested_at
FROM audit_log AS a INNER JOIN {_NAMES} ON e.recipient_id = a.recipient_id
WHERE a.recipient_id IN ({_AT_WORK})
""",
    f"""
INSERT INTO audience_members
    (campaign_id, snapshot_id, ord, recipient_id, inline, duplicate, created_at, clock_zone, best_hour, erased)
SELECT campaign_id, snapshot_id, ord, e.pseudonym, inline, duplicate, created_at, clock_zone, best_hour, 1
FROM audience_members AS m INNER JOIN {_NAMES} ON e.recipient_id = m.recipient_id
WHERE m.recipient_id IN ({_AT_WORK})
""",
)

_MINE: Final = f"recipient_id IN ({_AT_WORK})"
_PHONES: Final = "SELECT arrayJoin(phones) FROM erasures WHERE state = 'erasing'"
_ADDRESSES: Final = """
SELECT splitByChar('/', recipient_id)[1], arrayJoin(arrayConcat(emails, phones)) FROM erasures WHERE state = 'erasing'
"""
_WORDS: Final = """
SELECT groupUniqArrayArray(arrayConcat(
    emails, arrayMap(mail -> replaceAll(mail, '@', '%40'), emails), arrayMap(phone -> substring(phone, 2), phones),
    arrayMap(slash -> concat(slash, lower(splitByChar('/', recipient_id)[2])), ['/', '%2f'])
))
FROM erasures WHERE state = 'erasing' AND recipient_id != ''
"""

TRACES: Final[dict[str, str]] = {
    "delivery_events": _MINE,
    "standings": _MINE,
    "engagements": _MINE,
    "audience_members": _MINE,
    "contacts": _MINE,
    "contacts_changes": _MINE,
    "consents": _MINE,
    "address_refusals": _MINE,
    "reach_changes": _MINE,
    "consent_words": _MINE,
    "audit_log": _MINE,
    "inbound_messages": f"{_MINE} OR (recipient_id = '' AND from_address IN ({_PHONES}))",
    "address_suppressions": f"(toString(brand), address) IN ({_ADDRESSES})",
    "provider_callbacks": f"arrayExists(word -> position(lower(body), word) > 0, ({_WORDS}))",
}
"""Table -> which of its rows tell of the people at work. A new table that names people belongs here: a test looks
through all columns of all tables."""


def count(table: str) -> str:
    return f"SELECT count() FROM {table} WHERE {TRACES[table]}"


def delete(table: str) -> str:
    """Physically: parts without these rows take the place of those with them. Returns when that is done."""
    return f"ALTER TABLE {table} DELETE WHERE {TRACES[table]} SETTINGS mutations_sync = 2"


MASKED: Final = ("contacts", "contacts_changes", "reach_changes")
"""Tables from which a compaction takes rows by marking them as deleted."""


def unmask(table: str) -> str:
    """Rows that are marked as deleted are in no count, and their files go on holding them until something merges them:
    physically, too, they go now."""
    return f"ALTER TABLE {table} APPLY DELETED MASK SETTINGS mutations_sync = 2"


def drop_old_parts(table: str) -> str:
    """No partition has this name, so nothing is dropped; but the engine then removes the files of parts that were
    replaced and whose time (`old_parts_lifetime`) is over. The embedded engine does not do so by itself."""
    return f"ALTER TABLE {table} DROP PARTITION ID 'none'"


LEFT_PARTS: Final = """
-- Tables with parts that should be gone by now: the engine keeps them for 8 minutes at most.
SELECT DISTINCT table FROM system.parts
WHERE database = currentDatabase() AND NOT active AND remove_time < now() - INTERVAL 10 MINUTE
"""

DELETE_IDENTITY: Final = (
    "ALTER TABLE erasures DELETE WHERE recipient_id != '' AND pseudonym IN (%s) SETTINGS mutations_sync = 2"
)
"""With the pseudonyms of those that are done."""
