"""The sends of a campaign, by pages of ordinals."""

from __future__ import annotations

from services.console.queries.stats import STANDING_SETS

MEMBERS_AT = (
    STANDING_SETS
    + """
-- Members from `from_ord` on whose sends stand at one of these statuses; only `recipients`, where any are named.
-- `reach`: how many of that standing are looked at.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(groupBitmapOrState(own), {from_ord:UInt32}, {reach:UInt64})))
    FROM standing WHERE toString(status) IN {statuses:Array(String)}
) AND (empty({recipients:Array(String)}) OR recipient_id IN {recipients:Array(String)})
ORDER BY ord LIMIT 1 BY ord LIMIT {most:UInt64}
"""
)

MEMBERS_EXCEPT = (
    STANDING_SETS
    + """
-- Members from `from_ord` on whose sends do not stand at one of these statuses; the rest as above.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(bitmapAndnot(
        (SELECT groupBitmapState(toUInt32(number)) FROM numbers({audience:UInt32})),
        (SELECT groupBitmapOrState(own) FROM standing WHERE toString(status) IN {statuses:Array(String)})
    ), {from_ord:UInt32}, {reach:UInt64})))
) AND (empty({recipients:Array(String)}) OR recipient_id IN {recipients:Array(String)})
ORDER BY ord LIMIT 1 BY ord LIMIT {most:UInt64}
"""
)

STATES = """
-- Where the sends of these people stand.
SELECT recipient_id, step, channel, attempt, status, reason, account, provider_message_id, cost_micros, occurred_at
FROM sends
WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND recipient_id IN {recipients:Array(String)}
"""

FOUND = """
-- People of a frozen audience whom a search means: a part of the id or the name, a whole mail address or number.
SELECT DISTINCT recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND
(
    positionCaseInsensitiveUTF8(substring(recipient_id, length({brand:String}) + 2), {search:String}) > 0
    OR positionCaseInsensitiveUTF8(name, {search:String}) > 0
    OR email = lower({search:String}) OR phone = {search:String}
    OR recipient_id IN
    (
        SELECT recipient_id FROM v_contacts WHERE brand = {brand:String} AND
        (
            positionCaseInsensitiveUTF8(name, {search:String}) > 0
            OR email = lower({search:String}) OR phone = {search:String}
        )
    )
)
LIMIT {most:UInt32}
"""
