"""The planner's questions to ClickHouse. Parameters are ClickHouse's own, `{name:Type}`; `%(x)s` is filled in here."""

from __future__ import annotations

from services.planner.hour_queries import OF_GROUPS

FREEZE = """
-- One numbered row a person, in the order of their ids, so that a page is a run of neighbours.
-- duplicate: bit per channel (email 1, sms 2, whatsapp 4), set for all but the first person with an address.
-- habits: when people opened something, where that matters.
INSERT INTO audience_members
    (campaign_id, snapshot_id, ord, recipient_id, duplicate, clock_zone, best_hour, best_opens, opens)
WITH
    matched AS (SELECT recipient_id, email, phone, %(placed)s AS clock_zone %(matching)s),
    habits AS (%(habits)s),
    shared_mails AS (SELECT email FROM matched WHERE email != '' GROUP BY email HAVING count() > 1),
    shared_phones AS (SELECT phone FROM matched WHERE phone != '' GROUP BY phone HAVING count() > 1),
    first_mails AS (SELECT min(recipient_id) FROM matched WHERE email IN (shared_mails) GROUP BY email),
    first_phones AS (SELECT min(recipient_id) FROM matched WHERE phone IN (shared_phones) GROUP BY phone)
SELECT
    {campaign:String}, {snapshot:String}, rowNumberInAllBlocks(), recipient_id,
    if(email IN (shared_mails) AND recipient_id NOT IN (first_mails), 1, 0)
    + if(phone IN (shared_phones) AND recipient_id NOT IN (first_phones), 6, 0),
    clock_zone, if(opens > 0, best_hour, {brand_hour:Int8}), best_opens, opens
FROM
(
    SELECT recipient_id, email, phone, clock_zone, %(best)s
    FROM matched LEFT JOIN habits USING (recipient_id)
    ORDER BY recipient_id
)
SETTINGS max_insert_threads = 1
"""

FROZEN_COUNT = """
-- What a freeze has really stored: as many ordinals as people, from 0 on.
SELECT uniqExact(ord), max(ord) FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String}
"""

MEMBERS = """
-- Members by ordinal, with what is known of them now. Who was listed in the campaign itself is taken as listed.
SELECT
    m.ord AS ord, m.recipient_id AS recipient_id,
    toUInt16(modulo(kafkaMurmurHash(m.recipient_id), {partitions:UInt16})) AS partition,
    m.inline AS inline, m.opt_in AS opt_in, m.duplicate AS duplicate, m.erased AS erased,
    if(m.inline, m.email, c.email) AS email, if(m.inline, m.phone, c.phone) AS phone,
    if(m.inline, m.name, c.name) AS name, if(m.inline, m.zone, c.zone) AS zone,
    c.city AS city, c.pincode AS pincode, c.role AS role, m.attributes AS own_attributes, c.attributes AS attributes,
    m.clock_zone AS clock_zone, m.best_hour AS best_hour, m.best_opens AS best_opens, m.opens AS opens
FROM
(
    SELECT * FROM audience_members
    WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND %(which)s
    ORDER BY ord LIMIT 1 BY ord
) AS m
LEFT JOIN
(
    SELECT recipient_id, name, email, phone, zone, city, pincode, role, %(attributes)s AS attributes
    FROM v_contacts
    WHERE recipient_id IN
    (
        SELECT recipient_id FROM audience_members
        WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND %(which)s AND NOT inline
    )
) AS c USING (recipient_id)
ORDER BY ord
"""
RANGE = "ord BETWEEN {first:UInt32} AND {last:UInt32}"
LIST = "ord IN {ords:Array(UInt32)}"
WITH_ATTRIBUTES = "toJSONString(attributes)"
WITHOUT_ATTRIBUTES = "''"

LISTED_ATTRIBUTE_NAMES = """
-- Every attribute of the people that a campaign lists.
SELECT DISTINCT arrayJoin(JSONExtractKeys(attributes)) FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String}
"""

STANDING = """
-- Sends of a step that stand at a given class of status, as ordinals with the attempt that the status belongs to.
-- Walk the sets from the highest rank down: a class holds what its union adds to all above it.
WITH
    ranked AS
    (
        SELECT status, attempt AS a, toString(reason) AS cause,
               (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason) AS rank,
               groupBitmapMergeState(bm) AS members
        FROM funnel_bits
        WHERE campaign_id = {campaign:String} AND step = {step:UInt16}
        GROUP BY status, attempt, reason, rank
    ),
    standing AS
    (
        SELECT status, a, cause, bitmapAndnot(members,
            groupBitmapOrState(members)
                OVER (ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS own
        FROM ranked
    )
"""

OPEN_COUNTS = (
    STANDING
    + """
SELECT toString(status), sum(bitmapCardinality(own)) FROM standing
WHERE status IN ('queued', 'recalled', 'failed_retryable', 'uncertain') GROUP BY status
"""
)

RECALLED = (
    STANDING
    + """
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(%(own)s, 0, {most:UInt64}))) AS ord, toUInt16(a) AS attempt
FROM standing WHERE status = 'recalled' ORDER BY ord LIMIT {most:UInt64}
"""
)

OVER_BUDGET = (
    STANDING
    + """
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(own, 0, {most:UInt64}))) AS ord, toUInt16(a) AS attempt
FROM standing WHERE status = 'suppressed' AND cause = 'over_budget' ORDER BY ord LIMIT {most:UInt64}
"""
)

DEAD_LETTERED = (
    STANDING
    + """
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(own, 0, {most:UInt64}))) AS ord, toUInt16(a) AS attempt
FROM standing WHERE status = 'failed' AND cause = 'dead_letter' ORDER BY ord LIMIT {most:UInt64}
"""
)

SPENT = """
-- What a campaign's sends have cost, by step; an uncertain send counts with its reserve.
SELECT step, sum(cost_micros) FROM v_cost WHERE campaign_id = {campaign:String} GROUP BY step
"""

REACHED_BY_CHANNEL = """
-- By channel: sends that a provider took, that arrived, and that stand at failed.
SELECT toString(channel), sum(sent), sum(delivered), sum(failed)
FROM
(
    SELECT channel, sent, delivered, 0 AS failed FROM v_funnel WHERE campaign_id = {campaign:String}
    UNION ALL
    SELECT channel, 0, 0, sends FROM v_state WHERE campaign_id = {campaign:String} AND status = 'failed'
)
GROUP BY channel
"""

RETRYABLE = (
    STANDING
    + """
-- Who is to be sent again because nobody knows what became of it waits no more.
SELECT s.ord, s.attempt, toUInt16(count()), max(if(r.reason = 'resend', toDateTime64(0, 3, 'UTC'), r.occurred_at))
FROM
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(%(own)s, 0, {most:UInt64}))) AS ord, toUInt16(a) AS attempt
    FROM standing WHERE status = 'failed_retryable'
) AS s
INNER JOIN (SELECT DISTINCT ord, attempt, occurred_at, toString(reason) AS reason FROM retries
            WHERE campaign_id = {campaign:String} AND step = {step:UInt16}) AS r ON r.ord = s.ord
GROUP BY s.ord, s.attempt ORDER BY s.ord
"""
)

SILENT = """
-- Ordinals below the cursor of which nothing is known: some of those that matter now, and how many there are in all.
-- No event is ever written for "planned".
SELECT bitmapToArray(bitmapSubsetLimit(%(own)s, 0, {most:UInt64})), bitmapCardinality(own)
FROM
(
    SELECT bitmapAndnot(
        (SELECT groupBitmapState(toUInt32(number)) FROM numbers({cursor:UInt32})),
        (SELECT groupBitmapMergeState(bm) FROM funnel_bits
         WHERE campaign_id = {campaign:String} AND step = {step:UInt16})
    ) AS own
)
"""

EVERYBODY = "own"
ONLY_GROUPS = f"bitmapAnd(own, {OF_GROUPS})"
"""In place of `%(own)s`: all of them, or those of some groups."""
