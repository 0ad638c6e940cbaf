"""The sends of a campaign, by pages of ordinals."""

from __future__ import annotations

from services.console.queries.stats import STANDING_SETS

MEMBERS = """
-- Members from `from_ord` on; only `recipients`, where any are named.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord >= {from_ord:UInt32}
  AND (empty({recipients:Array(String)}) OR recipient_id IN {recipients:Array(String)})
ORDER BY ord LIMIT 1 BY ord LIMIT {most:UInt64}
"""

MEMBERS_AT = (
    STANDING_SETS
    + """
-- Members from `from_ord` on whose sends stand at one of these statuses, by_reason = 1: for this reason; only
-- `recipients`, where any are named.
-- `reach`: how many of that standing are looked at.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(groupBitmapOrState(own), {from_ord:UInt32}, {reach:UInt64})))
    FROM standing WHERE toString(status) IN {statuses:Array(String)}
      AND ({by_reason:UInt8} = 0 OR reason = {reason:String})
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
-- Where the sends of these people stand, who have these places in the audience.
SELECT recipient_id, top_.1 % 256 AS rank, top_.3 AS reason, top_.4 AS attempt, top_.5 AS occurred_at,
       top_.7 AS account, top_.9 AS provider_message_id,
       arraySum(claim -> bitAnd(claim, 72057594037927935), mapValues(costs_)) AS cost_micros
FROM
(
    SELECT recipient_id, max(s.top) AS top_, maxMap(s.costs) AS costs_ FROM standings AS s
    WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND ord IN {ords:Array(UInt32)}
      AND recipient_id IN {recipients:Array(String)}
    GROUP BY recipient_id
)
"""

FOUND = """
-- People of a frozen audience whom a search means, as contacts.
SELECT DISTINCT recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND recipient_id IN (%(contacts)s)
LIMIT {most:UInt32}
"""

FOUND_INLINE = """
-- The same of people whom the campaign lists itself: as it lists them, too.
SELECT DISTINCT recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND
(
    arrayAll(word -> position(lowerUTF8(concat(substring(recipient_id, position(recipient_id, '/') + 1), ' ', name, ' ',
        email, ' ', phone)), word) > 0, {words:Array(String)})
    OR recipient_id IN (%(contacts)s)
)
LIMIT {most:UInt32}
"""
