"""Sends whose fate nobody knows, over all campaigns of a brand."""

from __future__ import annotations

PAGE = """
-- Walks the sets of those steps alone in which anybody ever was uncertain, from the highest rank down.
WITH
    doubtful AS
    (
        SELECT DISTINCT campaign_id, step FROM funnel_bits
        WHERE status = 'uncertain' AND brand = {brand:String}
          AND (campaign_id, step) >= ({campaign:String}, {step:UInt16})
          AND campaign_id NOT IN (SELECT campaign_id FROM campaigns FINAL WHERE campaigns.status = 'cancelled')
    ),
    ranked AS
    (
        SELECT campaign_id, step, status,
               (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason != 'assumed', reason)
                   AS rank,
               groupBitmapMergeState(bm) AS members
        FROM funnel_bits WHERE (campaign_id, step) IN (SELECT campaign_id, step FROM doubtful)
        GROUP BY campaign_id, step, status, reason, rank
    ),
    standing AS
    (
        SELECT campaign_id, step, status, bitmapAndnot(members, groupBitmapOrState(members) OVER (
            PARTITION BY campaign_id, step ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS own
        FROM ranked
    )
SELECT campaign_id, step, place FROM
(
    SELECT campaign_id, step, arrayJoin(bitmapToArray(own)) AS place FROM standing WHERE status = 'uncertain'
)
WHERE (campaign_id, step, place) > ({campaign:String}, {step:UInt16}, {ord:Int64})
ORDER BY campaign_id, step, place LIMIT {most:UInt32}
"""

ROWS = """
-- These sends, as far as they still stand so.
SELECT send_id, campaign_id, step, recipient_id AS recipient, channel, account, attempt, reason, detail, cost_micros,
       occurred_at AS at, ord
FROM v_sends
WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND ord IN {ords:Array(UInt32)} AND status = 'uncertain'
ORDER BY ord
"""

ONE = """
-- Where one send stands.
SELECT status, reason, attempt, channel, account, ord FROM v_sends
WHERE campaign_id = {campaign:String} AND step = {step:UInt16} AND recipient_id = {recipient:String}
"""
