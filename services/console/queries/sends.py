"""The sends of a campaign, by pages of ordinals."""

from __future__ import annotations

from services.console.queries.stats import STANDING_SETS

ORDINALS_AT = (
    STANDING_SETS
    + """
-- Ordinals from `from_ord` on that stand at one of these statuses.
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(chosen, {from_ord:UInt32}, {most:UInt64}))) AS ord
FROM (SELECT groupBitmapOrState(own) AS chosen FROM standing WHERE toString(status) IN {statuses:Array(String)})
ORDER BY ord
"""
)

ORDINALS_EXCEPT = (
    STANDING_SETS
    + """
-- Ordinals of the audience from `from_ord` on that do not stand at one of these statuses.
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(chosen, {from_ord:UInt32}, {most:UInt64}))) AS ord
FROM
(
    SELECT bitmapAndnot(
        (SELECT groupBitmapState(toUInt32(number)) FROM numbers({audience:UInt32})),
        (SELECT groupBitmapOrState(own) FROM standing WHERE toString(status) IN {statuses:Array(String)})
    ) AS chosen
)
ORDER BY ord
"""
)

MEMBERS = """
-- Who has these ordinals.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN {ords:Array(UInt32)}
ORDER BY ord LIMIT 1 BY ord
"""

STATES = """
-- Where the sends of these people stand.
SELECT recipient_id, step, channel, attempt, status, reason, account, provider_message_id, cost_micros, occurred_at
FROM sends
WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND recipient_id IN {recipients:Array(String)}
"""
