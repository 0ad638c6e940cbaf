-- What an attempt costs is learnt in steps: at most its reserve, then by the rate card, then that it was free or what the
-- provider charged. Each is a claim; the surest one counts, and among equals the highest. So a correction takes the place
-- of what it corrects, an attempt is never counted twice, and neither order nor repeats change a sum.
ALTER TABLE delivery_events ADD COLUMN IF NOT EXISTS
    cost_basis Enum8('' = 0, 'reserve' = 1, 'card' = 2, 'waived' = 3, 'price' = 4)
    DEFAULT multiIf(cost_micros = 0, '', status = 'uncertain', 'reserve', 'card') AFTER cost_micros;

CREATE TABLE IF NOT EXISTS cost_claims
(
    campaign_id LowCardinality(String),
    step        UInt16,
    channel     Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    attempt     UInt16,
    cost_basis  Enum8('' = 0, 'reserve' = 1, 'card' = 2, 'waived' = 3, 'price' = 4),
    cost_micros Int64,
    day         Date,
    account     LowCardinality(String),
    brand       SimpleAggregateFunction(any, LowCardinality(String)),
    bm          AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account)
SETTINGS index_granularity = 32;

DROP VIEW IF EXISTS cost_bits_mv;

CREATE MATERIALIZED VIEW IF NOT EXISTS cost_claims_mv TO cost_claims AS
SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, toDate(occurred_at) AS day, account,
       any(e.brand) AS brand, groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE cost_basis != '' AND ord != 4294967295
GROUP BY campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account;

INSERT INTO cost_claims
SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, toDate(occurred_at) AS day, account,
       any(e.brand) AS brand, groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE cost_basis != '' AND ord != 4294967295
GROUP BY campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account;

-- Each attempt once, in the class of its surest claim: the sets are walked from the surest down, and a class holds what
-- the union grows by.
CREATE OR REPLACE VIEW v_attempt_costs AS
SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account, brand, n AS attempts
FROM
(
    SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account, brand,
           cum - lagInFrame(cum, 1, 0) OVER (PARTITION BY campaign_id, step, channel, attempt ORDER BY sc DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n
    FROM
    (
        SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account, brand, sc,
               groupBitmapOr(b) OVER (PARTITION BY campaign_id, step, channel, attempt ORDER BY sc DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cum
        FROM
        (
            SELECT campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account, any(c.brand) AS brand,
                   (cost_basis, cost_micros, day, account) AS sc, groupBitmapMergeState(bm) AS b
            FROM cost_claims AS c
            GROUP BY campaign_id, step, channel, attempt, cost_basis, cost_micros, day, account
        )
    )
)
WHERE n > 0;

CREATE OR REPLACE VIEW v_cost AS
SELECT campaign_id, step, channel, sum(cost_micros * toInt64(attempts)) AS cost_micros
FROM v_attempt_costs AS a
GROUP BY campaign_id, step, channel;

CREATE OR REPLACE VIEW costs AS
SELECT brand, campaign_id, step, toString(channel) AS channel, account, day, sum(a.attempts) AS attempts,
       sum(a.cost_micros * toInt64(a.attempts)) AS cost_micros
FROM v_attempt_costs AS a
WHERE a.cost_micros != 0
GROUP BY brand, campaign_id, step, channel, account, day;

DROP TABLE IF EXISTS cost_bits;

-- The same by send: basis * 2^56 + cost, of which the maximum is the surest claim. Costs of before stand at basis 0.
DROP VIEW IF EXISTS send_standings_mv;

CREATE MATERIALIZED VIEW IF NOT EXISTS send_standings_mv TO send_standings AS
SELECT campaign_id, step, recipient_id, channel, ord, brand,
       (toUInt32(if(rank >= 60, 65536, attempt) * 256 + rank), toUInt8(reason != 'assumed'), toString(reason), attempt, occurred_at,
        detail, toString(account), toString(provider), provider_message_id) AS top,
       if(cost_basis = '', map(), map(attempt, toInt64(CAST(cost_basis AS Int8)) * 72057594037927936 + cost_micros)) AS costs,
       if(status = 'queued', occurred_at, never) AS queued_at,
       if(status = 'accepted', occurred_at, never) AS accepted_at,
       if(status = 'delivered', occurred_at, never) AS delivered_at,
       if(status = 'read' AND NOT machine, occurred_at, never) AS read_at,
       if(status = 'clicked' AND NOT machine, occurred_at, never) AS clicked_at,
       ingested_at
FROM
(
    SELECT *, if(machine AND status IN ('read', 'clicked'), 60, CAST(status AS UInt8)) AS rank,
           toDateTime64('2299-12-31 00:00:00', 3, 'UTC') AS never
    FROM delivery_events
);

CREATE OR REPLACE VIEW sends AS
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
    FROM send_standings AS s
    GROUP BY campaign_id, step, recipient_id
);

CREATE OR REPLACE VIEW events AS
SELECT brand, campaign_id, step, toString(channel) AS channel, recipient_id, send_id, event_id, attempt, toString(status) AS status, reason, detail,
       account, provider, provider_message_id, cost_micros, toString(cost_basis) AS cost_basis, machine, source, ord, occurred_at, ingested_at
FROM delivery_events
LIMIT 1 BY recipient_id, campaign_id, step, attempt, status, source, machine;

CREATE OR REPLACE VIEW v_ledger AS
SELECT *, contact_id, send_id, event_id
FROM delivery_events
LIMIT 1 BY recipient_id, campaign_id, step, attempt, status, source, machine;
