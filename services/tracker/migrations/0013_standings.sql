-- One row a send, as send_standings had it, in the order of the frozen audience: a page of a campaign's people is read in one
-- piece, however many there are. What came without its place in the audience stands at 4294967295 beside the row with it;
-- whoever reads groups by recipient. Both views fill their tables until the old rows are copied: maxima do not mind repeats.
CREATE TABLE IF NOT EXISTS standings
(
    campaign_id  LowCardinality(String),
    step         UInt16,
    ord          UInt32,
    recipient_id String,
    channel      SimpleAggregateFunction(any, Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5)),
    brand        SimpleAggregateFunction(any, LowCardinality(String)),
    top          SimpleAggregateFunction(max, Tuple(standing UInt32, certain UInt8, reason String, attempt UInt16, at DateTime64(3, 'UTC'),
                                                    detail String, account String, provider String, provider_message_id String)),
    costs        SimpleAggregateFunction(maxMap, Map(UInt16, Int64)),
    queued_at    SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    accepted_at  SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    delivered_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    read_at      SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    clicked_at   SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    ingested_at  SimpleAggregateFunction(max, DateTime('UTC')),
    INDEX by_recipient recipient_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, step, ord, recipient_id)
SETTINGS index_granularity = 1024;

CREATE MATERIALIZED VIEW IF NOT EXISTS standings_mv TO standings AS
SELECT campaign_id, step, ord, recipient_id, channel, brand,
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

DROP VIEW IF EXISTS send_standings_mv;

INSERT INTO standings (campaign_id, step, ord, recipient_id, channel, brand, top, costs, queued_at, accepted_at, delivered_at, read_at,
                       clicked_at, ingested_at)
SELECT campaign_id, step, ord, recipient_id, channel, brand, top, costs, queued_at, accepted_at, delivered_at, read_at, clicked_at,
       ingested_at
FROM send_standings;

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
    FROM standings AS s
    GROUP BY campaign_id, step, recipient_id
);

-- When the last message of each campaign left that a provider took: the proof of a pause, without a look through the ledger.
CREATE TABLE IF NOT EXISTS last_calls
(
    campaign_id LowCardinality(String),
    at          SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY campaign_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS last_calls_mv TO last_calls AS
SELECT campaign_id, max(occurred_at) AS at FROM delivery_events AS e
WHERE e.status = 'accepted' AND e.source = 'sender' AND e.reason != 'assumed' GROUP BY campaign_id;

INSERT INTO last_calls
SELECT campaign_id, max(occurred_at) AS at FROM delivery_events AS e
WHERE e.status = 'accepted' AND e.source = 'sender' AND e.reason != 'assumed' GROUP BY campaign_id;
