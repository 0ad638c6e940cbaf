-- Counts are sizes of sets of ordinals. A union does not change when its input comes twice, late or in another order, so
-- every number below is exact under repeats without deduplicating anything.
-- The granularity is small on purpose: at 8192 rows one granule holds every campaign, and each query reads them all.
CREATE TABLE IF NOT EXISTS funnel_bits
(
    campaign_id LowCardinality(String),
    step        UInt16,
    channel     Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    status      Enum8('queued' = 20, 'suppressed' = 24, 'uncertain' = 28, 'recalled' = 34, 'accepted' = 40,
                      'failed_retryable' = 46, 'failed' = 50, 'delivered' = 60, 'bounced' = 64, 'read' = 70,
                      'clicked' = 80, 'replied' = 84, 'unsubscribed' = 90, 'complained' = 94),
    attempt     UInt16,
    reason      LowCardinality(String),
    brand       SimpleAggregateFunction(any, LowCardinality(String)),
    bm          AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, step, channel, status, attempt, reason)
SETTINGS index_granularity = 32;

CREATE MATERIALIZED VIEW IF NOT EXISTS funnel_bits_mv TO funnel_bits AS
SELECT campaign_id, step, channel,
       if(e.machine AND e.status IN ('read', 'clicked'), CAST('delivered' AS Enum8('queued' = 20, 'suppressed' = 24, 'uncertain' = 28, 'recalled' = 34,
          'accepted' = 40, 'failed_retryable' = 46, 'failed' = 50, 'delivered' = 60, 'bounced' = 64, 'read' = 70,
          'clicked' = 80, 'replied' = 84, 'unsubscribed' = 90, 'complained' = 94)), e.status) AS status,
       attempt, reason, any(e.brand) AS brand, groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE ord != 4294967295
GROUP BY campaign_id, step, channel, status, attempt, reason;

CREATE TABLE IF NOT EXISTS cost_bits
(
    campaign_id LowCardinality(String),
    step        UInt16,
    channel     Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    attempt     UInt16,
    cost_micros Int64,
    day         Date,
    account     LowCardinality(String),
    brand       SimpleAggregateFunction(any, LowCardinality(String)),
    bm          AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, step, channel, attempt, cost_micros, day, account)
SETTINGS index_granularity = 32;

CREATE MATERIALIZED VIEW IF NOT EXISTS cost_bits_mv TO cost_bits AS
SELECT campaign_id, step, channel, attempt, cost_micros, toDate(occurred_at) AS day, account,
       any(e.brand) AS brand, groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE cost_micros != 0 AND ord != 4294967295
GROUP BY campaign_id, step, channel, attempt, cost_micros, day, account;

CREATE TABLE IF NOT EXISTS minute_bits
(
    campaign_id LowCardinality(String),
    minute      DateTime('UTC'),
    step        UInt16,
    channel     Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    status      Enum8('accepted' = 40, 'failed' = 50, 'delivered' = 60),
    bm          AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, minute, step, channel, status)
TTL minute + INTERVAL 30 DAY
SETTINGS index_granularity = 128;

CREATE MATERIALIZED VIEW IF NOT EXISTS minute_bits_mv TO minute_bits AS
SELECT campaign_id, toStartOfMinute(occurred_at) AS minute, step, channel,
       CAST(CAST(e.status AS Int8) AS Enum8('accepted' = 40, 'failed' = 50, 'delivered' = 60)) AS status,
       groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE e.status IN ('accepted', 'failed', 'delivered') AND ord != 4294967295
GROUP BY campaign_id, minute, step, channel, status;

CREATE TABLE IF NOT EXISTS hour_bits
(
    hour        DateTime('UTC'),
    campaign_id LowCardinality(String),
    step        UInt16,
    channel     Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    status      Enum8('accepted' = 40, 'failed' = 50, 'delivered' = 60, 'bounced' = 64, 'read' = 70, 'clicked' = 80, 'replied' = 84,
                      'unsubscribed' = 90, 'complained' = 94),
    brand       SimpleAggregateFunction(any, LowCardinality(String)),
    bm          AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (hour, campaign_id, step, channel, status)
TTL hour + INTERVAL 25 MONTH
SETTINGS index_granularity = 128;

CREATE MATERIALIZED VIEW IF NOT EXISTS hour_bits_mv TO hour_bits AS
SELECT toStartOfHour(occurred_at) AS hour, campaign_id, step, channel,
       CAST(CAST(e.status AS Int8) AS Enum8('accepted' = 40, 'failed' = 50, 'delivered' = 60, 'bounced' = 64, 'read' = 70, 'clicked' = 80,
            'replied' = 84, 'unsubscribed' = 90, 'complained' = 94)) AS status,
       any(e.brand) AS brand, groupBitmapState(ord) AS bm
FROM delivery_events AS e
WHERE e.status IN ('accepted', 'failed', 'delivered', 'bounced', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')
  AND NOT e.machine AND ord != 4294967295
GROUP BY hour, campaign_id, step, channel, status;

-- One row a send: the greatest of its events by rank. The maximum does not change under repeats either, and the costs
-- are kept by attempt, so that a repeat replaces its like.
-- standing: (attempt, or 65536 for evidence) * 256 + rank, then whether the word is more than an assumption.
CREATE TABLE IF NOT EXISTS send_states
(
    campaign_id  LowCardinality(String),
    step         UInt16,
    recipient_id String,
    channel      SimpleAggregateFunction(any, Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5)),
    ord          SimpleAggregateFunction(min, UInt32),
    brand        SimpleAggregateFunction(any, LowCardinality(String)),
    top          SimpleAggregateFunction(max, Tuple(standing UInt32, certain UInt8, reason String, attempt UInt16, at DateTime64(3, 'UTC'), detail String, account String)),
    costs        SimpleAggregateFunction(maxMap, Map(UInt16, Int64)),
    message      SimpleAggregateFunction(max, Tuple(attempt UInt16, provider String, provider_message_id String)),
    queued_at    SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    accepted_at  SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    delivered_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    read_at      SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    clicked_at   SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    ingested_at  SimpleAggregateFunction(max, DateTime('UTC')),
    INDEX by_recipient recipient_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, step, recipient_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS send_states_mv TO send_states AS
SELECT campaign_id, step, recipient_id, any(e.channel) AS channel, min(e.ord) AS ord, any(e.brand) AS brand,
       max((toUInt32(if(rank >= 60, 65536, e.attempt) * 256 + rank), toUInt8(e.reason != 'assumed'), toString(e.reason), e.attempt, e.occurred_at, e.detail, toString(e.account))) AS top,
       maxMap(map(e.attempt, e.cost_micros)) AS costs,
       max((if(e.provider_message_id = '', 0, e.attempt), toString(e.provider), e.provider_message_id)) AS message,
       min(if(e.status = 'queued', e.occurred_at, never)) AS queued_at,
       min(if(e.status = 'accepted', e.occurred_at, never)) AS accepted_at,
       min(if(e.status = 'delivered', e.occurred_at, never)) AS delivered_at,
       min(if(e.status = 'read' AND NOT e.machine, e.occurred_at, never)) AS read_at,
       min(if(e.status = 'clicked' AND NOT e.machine, e.occurred_at, never)) AS clicked_at,
       max(e.ingested_at) AS ingested_at
FROM
(
    SELECT *, if(machine AND status IN ('read', 'clicked'), 60, CAST(status AS UInt8)) AS rank,
           toDateTime64('2299-12-31 00:00:00', 3, 'UTC') AS never
    FROM delivery_events
) AS e
GROUP BY campaign_id, step, recipient_id;
