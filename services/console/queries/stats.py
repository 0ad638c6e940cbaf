"""Counts of a campaign. All of them are sizes of sets of ordinals, so that nothing told twice is counted twice."""

from __future__ import annotations

REACHED = """
-- Stages reached, each send once: a later stage implies the earlier ones. As the view v_funnel has it, but sooner.
SELECT step, toString(e.channel) AS channel,
       groupBitmapMergeIf(bm, status IN ('accepted', 'delivered', 'bounced', 'read', 'clicked', 'replied',
                                         'unsubscribed', 'complained')) AS sent,
       groupBitmapMergeIf(bm, status IN ('delivered', 'read', 'clicked', 'replied', 'unsubscribed', 'complained'))
           AS delivered,
       groupBitmapMergeIf(bm, status IN ('read', 'clicked', 'replied')) AS read,
       groupBitmapMergeIf(bm, status = 'clicked') AS clicked, groupBitmapMergeIf(bm, status = 'replied') AS replied,
       groupBitmapMergeIf(bm, status = 'bounced') AS bounced,
       groupBitmapMergeIf(bm, status = 'unsubscribed') AS unsubscribed,
       groupBitmapMergeIf(bm, status = 'complained') AS complained
FROM funnel_bits AS e WHERE campaign_id = {campaign:String} GROUP BY step, e.channel
"""

STANDING_SETS = """
-- Where each send stands now. The sets are walked from the highest rank down: a class owns what its set adds to all
-- above it. Evidence outranks every attempt; an assumption gives way to any other word of its status.
WITH
    ranked AS
    (
        SELECT step, channel, status, reason,
               (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason != 'assumed', reason)
                   AS rank,
               groupBitmapMergeState(bm) AS members
        FROM funnel_bits
        WHERE campaign_id = {campaign:String} AND (empty({steps:Array(UInt16)}) OR step IN {steps:Array(UInt16)})
        GROUP BY step, channel, status, reason, rank
    ),
    standing AS
    (
        SELECT step, channel, status, reason, bitmapAndnot(members, groupBitmapOrState(members) OVER (
            PARTITION BY step ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS own
        FROM ranked
    )
"""

STANDING = (
    STANDING_SETS
    + """
SELECT step, toString(channel), toString(status), reason, sum(bitmapCardinality(own)) AS sends
FROM standing GROUP BY step, channel, status, reason HAVING sends > 0
"""
)

SPENT = """
-- Micros spent so far, all steps: each attempt once, in the class of its surest claim. As the view v_cost has it, but
-- sooner.
SELECT sum(cost_micros * toInt64(bitmapCardinality(own))) FROM
(
    SELECT cost_micros, bitmapAndnot(members, groupBitmapOrState(members) OVER (
        PARTITION BY step, channel, attempt ORDER BY sureness DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS own
    FROM
    (
        SELECT step, channel, attempt, cost_micros, (cost_basis, cost_micros, day, account) AS sureness,
               groupBitmapMergeState(bm) AS members
        FROM cost_claims WHERE campaign_id = {campaign:String}
        GROUP BY step, channel, attempt, cost_basis, cost_micros, day, account
    )
)
"""

SPENT_BY_STEP = """
-- Micros spent so far, by step.
SELECT step, sum(cost_micros) FROM v_cost WHERE campaign_id = {campaign:String} GROUP BY step
"""

SPENT_BY_CAMPAIGN = """
-- Micros spent so far, by campaign.
SELECT campaign_id, sum(cost_micros) FROM v_cost WHERE campaign_id IN {campaigns:Array(String)} GROUP BY campaign_id
"""

RECENT_MINUTES = """
-- Messages that providers took in this minute and the one before.
SELECT minute, sum(sends) FROM v_minutes
WHERE campaign_id = {campaign:String} AND status = 'accepted' AND minute >= {since:DateTime('UTC')}
GROUP BY minute ORDER BY minute
"""

REACHED_OF = """
-- Stages reached, each send once, of several campaigns.
SELECT campaign_id, step, toString(channel) AS channel, sent, delivered, read, clicked, replied, bounced, unsubscribed,
       complained
FROM v_funnel WHERE campaign_id IN {campaigns:Array(String)}
"""

STANDING_OF = """
-- As `STANDING`, of several campaigns.
WITH
    ranked AS
    (
        SELECT campaign_id, step, status, reason,
               (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason != 'assumed', reason)
                   AS rank,
               groupBitmapMergeState(bm) AS members
        FROM funnel_bits WHERE campaign_id IN {campaigns:Array(String)}
        GROUP BY campaign_id, step, status, reason, rank
    ),
    standing AS
    (
        SELECT campaign_id, step, status, reason, bitmapAndnot(members, groupBitmapOrState(members) OVER (
            PARTITION BY campaign_id, step ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS own
        FROM ranked
    )
SELECT campaign_id, step, toString(status), reason, sum(bitmapCardinality(own)) AS sends
FROM standing GROUP BY campaign_id, step, status, reason HAVING sends > 0
"""
