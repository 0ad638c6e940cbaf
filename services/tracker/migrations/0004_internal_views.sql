-- Stages reached, each send once: a later stage implies the earlier ones. "sent": the provider took it.
CREATE OR REPLACE VIEW v_funnel AS
SELECT campaign_id, step, channel,
       groupBitmapMergeIf(bm, status IN ('accepted', 'delivered', 'bounced', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')) AS sent,
       groupBitmapMergeIf(bm, status IN ('delivered', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')) AS delivered,
       groupBitmapMergeIf(bm, status IN ('read', 'clicked', 'replied')) AS read,
       groupBitmapMergeIf(bm, status = 'clicked') AS clicked,
       groupBitmapMergeIf(bm, status = 'replied') AS replied,
       groupBitmapMergeIf(bm, status = 'bounced') AS bounced,
       groupBitmapMergeIf(bm, status = 'unsubscribed') AS unsubscribed,
       groupBitmapMergeIf(bm, status = 'complained') AS complained,
       groupBitmapMerge(bm) AS known
FROM funnel_bits
GROUP BY campaign_id, step, channel;

-- Sends that ever had this status and reason.
CREATE OR REPLACE VIEW v_ever AS
SELECT campaign_id, step, channel, status, reason, groupBitmapMerge(bm) AS sends
FROM funnel_bits
GROUP BY campaign_id, step, channel, status, reason;

-- Where each send stands now, each counted once: the sets are walked from the highest rank down, and a class holds what
-- the union grows by. An assumption ranks below every other word of its status.
CREATE OR REPLACE VIEW v_state AS
SELECT campaign_id, step, channel, status, reason, sum(n) AS sends
FROM
(
    SELECT campaign_id, step, channel, status, reason,
           cum - lagInFrame(cum, 1, 0) OVER (PARTITION BY campaign_id, step, channel ORDER BY sc DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n
    FROM
    (
        SELECT campaign_id, step, channel, status, reason, sc,
               groupBitmapOr(b) OVER (PARTITION BY campaign_id, step, channel ORDER BY sc DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cum
        FROM
        (
            SELECT campaign_id, step, channel, status, reason,
                   (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason != 'assumed', reason) AS sc,
                   groupBitmapMergeState(bm) AS b
            FROM funnel_bits
            GROUP BY campaign_id, step, channel, status, reason, sc
        )
    )
)
GROUP BY campaign_id, step, channel, status, reason
HAVING sends > 0;

CREATE OR REPLACE VIEW v_cost AS
SELECT campaign_id, step, channel, sum(cost_micros * toInt64(n)) AS cost_micros
FROM (SELECT campaign_id, step, channel, attempt, cost_micros, groupBitmapMerge(bm) AS n FROM cost_bits GROUP BY campaign_id, step, channel, attempt, cost_micros)
GROUP BY campaign_id, step, channel;

-- A send counts in the first minute (hour) that tells of its status: told again later, it changes nothing, and the minutes
-- add up to the total. The sets are walked in time; each holds what the union grows by.
CREATE OR REPLACE VIEW v_minutes AS
SELECT campaign_id, minute, channel, status, sum(n) AS sends
FROM
(
    SELECT campaign_id, minute, step, channel, status,
           cum - lagInFrame(cum, 1, 0) OVER (PARTITION BY campaign_id, step, channel, status ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n
    FROM
    (
        SELECT campaign_id, minute, step, channel, status,
               groupBitmapOr(b) OVER (PARTITION BY campaign_id, step, channel, status ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cum
        FROM
        (
            SELECT campaign_id, minute, step, channel, status, groupBitmapMergeState(bm) AS b
            FROM minute_bits
            GROUP BY campaign_id, minute, step, channel, status
        )
    )
)
GROUP BY campaign_id, minute, channel, status
HAVING sends > 0;

CREATE OR REPLACE VIEW v_hours AS
SELECT hour, campaign_id, brand, step, channel, status, n AS sends
FROM
(
    SELECT hour, campaign_id, brand, step, channel, status,
           cum - lagInFrame(cum, 1, 0) OVER (PARTITION BY campaign_id, step, channel, status ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n
    FROM
    (
        SELECT hour, campaign_id, brand, step, channel, status,
               groupBitmapOr(b) OVER (PARTITION BY campaign_id, step, channel, status ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cum
        FROM
        (
            SELECT hour, campaign_id, any(h.brand) AS brand, step, channel, status, groupBitmapMergeState(bm) AS b
            FROM hour_bits AS h
            GROUP BY hour, campaign_id, step, channel, status
        )
    )
)
WHERE n > 0;

-- Each event once. Filter by recipient_id: it is never to be scanned whole.
CREATE OR REPLACE VIEW v_ledger AS
SELECT *, contact_id, send_id, event_id
FROM delivery_events
LIMIT 1 BY recipient_id, campaign_id, step, attempt, status, source, machine;
