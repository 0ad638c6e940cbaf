"""Counts of a campaign. All of them are sizes of sets of ordinals, so that nothing told twice is counted twice."""

from __future__ import annotations

_RANKED = """
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
"""
_OWN = """
bitmapAndnot(members, groupBitmapOrState(members) OVER (
    PARTITION BY step ORDER BY rank DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
"""
STANDING_SETS = f"""
-- Where each send stands now. The sets are walked from the highest rank down: a class owns what its set adds to all
-- above it. Evidence outranks every attempt; an assumption gives way to any other word of its status.
{_RANKED}
    standing AS (SELECT step, channel, status, reason, {_OWN} AS own FROM ranked)
"""

STANDING_AND_REACHED = f"""
-- Where the sends stand now, as above, beside the stages that the step's sends have reached, each send once: a later
-- stage implies the earlier ones, as in the view v_funnel. Both from one look, so that they agree.
{_RANKED}
    figures AS
    (
        SELECT step, status, reason, {_OWN} AS own,
               groupBitmapOrIf(members, status IN ('accepted', 'delivered', 'bounced', 'read', 'clicked', 'replied',
                                                   'unsubscribed', 'complained')) OVER whole AS sent,
               groupBitmapOrIf(members, status IN ('delivered', 'read', 'clicked', 'replied', 'unsubscribed',
                                                   'complained')) OVER whole AS delivered,
               groupBitmapOrIf(members, status IN ('read', 'clicked', 'replied')) OVER whole AS read,
               groupBitmapOrIf(members, status = 'clicked') OVER whole AS clicked,
               groupBitmapOrIf(members, status = 'replied') OVER whole AS replied,
               groupBitmapOrIf(members, status = 'bounced') OVER whole AS bounced,
               groupBitmapOrIf(members, status = 'unsubscribed') OVER whole AS unsubscribed,
               groupBitmapOrIf(members, status = 'complained') OVER whole AS complained
        FROM ranked
        WINDOW whole AS (PARTITION BY step)
    )
SELECT step, toString(figures.status) AS status, reason, sum(bitmapCardinality(own)) AS sends, any(sent) AS sent,
       any(delivered) AS delivered, any(read) AS read, any(clicked) AS clicked, any(replied) AS replied,
       any(bounced) AS bounced, any(unsubscribed) AS unsubscribed, any(complained) AS complained
FROM figures GROUP BY step, figures.status, reason HAVING sends > 0
"""

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
-- Where the sends stand now, of several campaigns.
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
