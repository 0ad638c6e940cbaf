-- The ledger: every event once. Order: how people are looked up. Equal events collapse as parts merge.
--
-- The number of a status is its rank (schemas/status.py, held by a test). Below 60: what is known of one attempt; a
-- later attempt outranks an earlier one. From 60 on: evidence, which outranks every attempt.
-- `ord` is the recipient's position in the campaign's frozen audience; 4294967295: unknown, in no set.
-- `machine`: a scanner or a privacy proxy did it. Such a read or click proves the delivery and nothing more.
CREATE TABLE IF NOT EXISTS delivery_events
(
    recipient_id        String,
    campaign_id         LowCardinality(String),
    step                UInt16,
    channel             Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    attempt             UInt16,
    status              Enum8('queued' = 20, 'suppressed' = 24, 'uncertain' = 28, 'recalled' = 34, 'accepted' = 40,
                              'failed_retryable' = 46, 'failed' = 50, 'delivered' = 60, 'bounced' = 64, 'read' = 70,
                              'clicked' = 80, 'replied' = 84, 'unsubscribed' = 90, 'complained' = 94),
    reason              LowCardinality(String),
    detail              String CODEC(ZSTD(1)),
    ord                 UInt32,
    brand               LowCardinality(String) DEFAULT substring(recipient_id, 1, position(recipient_id, '/') - 1),
    account             LowCardinality(String),
    source              LowCardinality(String),
    machine             Bool,
    provider            LowCardinality(String),
    provider_message_id String CODEC(ZSTD(1)),
    cost_micros         Int64,
    occurred_at         DateTime64(3, 'UTC'),
    kafka_partition     UInt16,
    kafka_offset        UInt64 CODEC(Delta, ZSTD(1)),
    ingested_at         DateTime('UTC') DEFAULT now(),
    contact_id          String ALIAS substring(recipient_id, position(recipient_id, '/') + 1),
    send_id             String ALIAS concat(campaign_id, '/', toString(step), '/', substring(recipient_id, position(recipient_id, '/') + 1)),
    event_id            String ALIAS concat(campaign_id, '/', toString(step), '/', substring(recipient_id, position(recipient_id, '/') + 1),
                                            '/', toString(attempt), '/', toString(status), '/', source)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (recipient_id, campaign_id, step, attempt, status, source, machine)
TTL toDateTime(occurred_at) + INTERVAL 13 MONTH
SETTINGS ttl_only_drop_parts = 1;

-- Callbacks whose words are not ours: kept as they came, until somebody has extended the table of words.
CREATE TABLE IF NOT EXISTS provider_callbacks
(
    provider    LowCardinality(String),
    kind        LowCardinality(String),
    reason      LowCardinality(String),
    body        String CODEC(ZSTD(3)),
    received_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (provider, received_at)
TTL toDateTime(received_at) + INTERVAL 30 DAY;

CREATE TABLE IF NOT EXISTS inbound_messages
(
    message_id   String,
    recipient_id String,
    brand        LowCardinality(String),
    channel      Enum8('email' = 1, 'sms' = 2, 'whatsapp' = 3, 'push' = 4, 'social' = 5),
    account      LowCardinality(String),
    from_address String,
    to_address   String,
    text         String CODEC(ZSTD(1)),
    keyword      LowCardinality(String),
    at           DateTime64(3, 'UTC'),
    ingested_at  DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (recipient_id, message_id)
TTL toDateTime(at) + INTERVAL 13 MONTH;

CREATE TABLE IF NOT EXISTS engagements
(
    recipient_id String,
    brand        LowCardinality(String),
    kind         LowCardinality(String),
    campaign_id  LowCardinality(String),
    at           DateTime64(3, 'UTC'),
    value        Decimal(18, 6),
    ingested_at  DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (recipient_id, campaign_id, kind, at)
TTL toDateTime(at) + INTERVAL 25 MONTH;
