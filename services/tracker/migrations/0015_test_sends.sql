-- Test sends, whose campaigns' ids begin with test~, are in v_sends, v_ledger and costs, and in no view that counts.
CREATE OR REPLACE VIEW v_sends AS
SELECT brand, campaign_id, step, channel, recipient_id,
       concat(campaign_id, '/', toString(step), '/', substring(recipient_id, position(recipient_id, '/') + 1)) AS send_id,
       if(cancelled, 'suppressed', word) AS status, if(cancelled, 'campaign_cancelled', top_.3) AS reason,
       top_.6 AS detail, top_.4 AS attempt, top_.7 AS account, top_.8 AS provider, top_.9 AS provider_message_id,
       arraySum(claim -> bitAnd(claim, 72057594037927935), mapValues(costs_)) AS cost_micros,
       nullIf(queued_, never) AS queued_at, nullIf(accepted_, never) AS accepted_at, nullIf(delivered_, never) AS delivered_at,
       nullIf(read_, never) AS read_at, nullIf(clicked_, never) AS clicked_at,
       top_.5 AS occurred_at, ingested AS ingested_at, ord
FROM
(
    SELECT campaign_id, step, recipient_id, any(s.brand) AS brand, toString(any(s.channel)) AS channel, min(s.ord) AS ord, max(s.top) AS top_,
           maxMap(s.costs) AS costs_, min(s.queued_at) AS queued_, min(s.accepted_at) AS accepted_, min(s.delivered_at) AS delivered_,
           min(s.read_at) AS read_, min(s.clicked_at) AS clicked_, max(s.ingested_at) AS ingested,
           toDateTime64('2299-12-31 00:00:00', 3, 'UTC') AS never, top_.1 % 256 AS rank,
           transform(rank, [20, 24, 28, 34, 40, 46, 50, 60, 64, 70, 80, 84, 90, 94],
                     ['queued', 'suppressed', 'uncertain', 'recalled', 'accepted', 'failed_retryable', 'failed', 'delivered', 'bounced', 'read',
                      'clicked', 'replied', 'unsubscribed', 'complained'], '') AS word,
           rank IN (20, 28, 34, 46) AND campaign_id IN (SELECT campaign_id FROM campaigns FINAL WHERE campaigns.status = 'cancelled') AS cancelled
    FROM standings AS s
    GROUP BY campaign_id, step, recipient_id
);

CREATE OR REPLACE VIEW sends AS
SELECT * FROM v_sends WHERE NOT startsWith(campaign_id, 'test~');

CREATE OR REPLACE VIEW events AS
SELECT brand, campaign_id, step, toString(channel) AS channel, recipient_id, send_id, event_id, attempt, toString(status) AS status, reason, detail,
       account, provider, provider_message_id, cost_micros, toString(cost_basis) AS cost_basis, machine, source, ord, occurred_at, ingested_at
FROM delivery_events
WHERE NOT startsWith(campaign_id, 'test~')
LIMIT 1 BY recipient_id, campaign_id, step, attempt, status, source, machine;

CREATE OR REPLACE VIEW campaign_channel_daily AS
SELECT day, brand, campaign_id, channel, accepted, delivered, bounced, failed, read, clicked, replied, unsubscribed, complained,
       if(accepted = 0, NULL, delivered / accepted) AS delivery_rate
FROM
(
    SELECT toDate(hour) AS day, brand, campaign_id, toString(h.channel) AS channel,
           sumIf(sends, status = 'accepted') AS accepted, sumIf(sends, status = 'delivered') AS delivered, sumIf(sends, status = 'bounced') AS bounced,
           sumIf(sends, status = 'failed') AS failed, sumIf(sends, status = 'read') AS read, sumIf(sends, status = 'clicked') AS clicked,
           sumIf(sends, status = 'replied') AS replied, sumIf(sends, status = 'unsubscribed') AS unsubscribed, sumIf(sends, status = 'complained') AS complained
    FROM v_hours AS h
    WHERE NOT startsWith(campaign_id, 'test~')
    GROUP BY day, brand, campaign_id, channel
);

CREATE OR REPLACE VIEW reach AS
SELECT c.brand AS brand, c.campaign_id AS campaign_id, c.name AS name, c.status AS status, c.audience AS audience,
       p.sent AS sent, p.delivered AS delivered, p.engaged AS engaged,
       if(c.audience = 0, NULL, p.sent / c.audience) AS sent_rate, if(c.audience = 0, NULL, p.delivered / c.audience) AS reach_rate
FROM (SELECT * FROM campaigns FINAL WHERE NOT startsWith(campaign_id, 'test~')) AS c
LEFT JOIN
(
    SELECT campaign_id,
           groupBitmapMergeIf(bm, status IN ('accepted', 'delivered', 'bounced', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')) AS sent,
           groupBitmapMergeIf(bm, status IN ('delivered', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')) AS delivered,
           groupBitmapMergeIf(bm, status IN ('read', 'clicked', 'replied')) AS engaged
    FROM funnel_bits
    GROUP BY campaign_id
) AS p ON p.campaign_id = c.campaign_id;

CREATE OR REPLACE VIEW engagement_by_hour AS
SELECT hour, brand, campaign_id, toString(h.channel) AS channel,
       sumIf(sends, status = 'read') AS read, sumIf(sends, status = 'clicked') AS clicked, sumIf(sends, status = 'replied') AS replied,
       sumIf(sends, status = 'unsubscribed') AS unsubscribed
FROM v_hours AS h
WHERE NOT startsWith(campaign_id, 'test~') AND status IN ('read', 'clicked', 'replied', 'unsubscribed')
GROUP BY hour, brand, campaign_id, channel;
