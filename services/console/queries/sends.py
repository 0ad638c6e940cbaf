"""The sends of a campaign, by pages of ordinals."""

from __future__ import annotations

from services.console.queries.stats import STANDING_SETS

MEMBERS_AT = (
    STANDING_SETS
    + """
-- Members from `from_ord` on whose sends stand at one of these statuses.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(groupBitmapOrState(own), {from_ord:UInt32}, {most:UInt64})))
    FROM standing WHERE toString(status) IN {statuses:Array(String)}
)
ORDER BY ord LIMIT 1 BY ord
"""
)

MEMBERS_EXCEPT = (
    STANDING_SETS
    + """
-- Members from `from_ord` on whose sends do not stand at one of these statuses.
SELECT ord, recipient_id FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND ord IN
(
    SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(bitmapAndnot(
        (SELECT groupBitmapState(toUInt32(number)) FROM numbers({audience:UInt32})),
        (SELECT groupBitmapOrState(own) FROM standing WHERE toString(status) IN {statuses:Array(String)})
    ), {from_ord:UInt32}, {most:UInt64})))
)
ORDER BY ord LIMIT 1 BY ord
"""
)

STATES = """
-- Where the sends of these people stand.
SELECT recipient_id, step, channel, attempt, status, reason, account, provider_message_id, cost_micros, occurred_at
FROM sends
WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND recipient_id IN {recipients:Array(String)}
"""
