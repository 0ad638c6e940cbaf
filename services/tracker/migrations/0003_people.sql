-- contacts: the merged base. contacts_changes: rows changed since the last compaction. Base rows without changed keys
-- plus the changes are exact and cost half of FINAL over the whole.
-- field_times: when each field was last told of ('attributes.plan' for an attribute), and three marks: '*' the time of the
-- last whole record, '-' of the last deletion, '+' of the last change of any other kind.
CREATE TABLE IF NOT EXISTS contacts
(
    recipient_id   String,
    brand          LowCardinality(String),
    name           String CODEC(ZSTD(1)),
    email          String CODEC(ZSTD(1)),
    phone          String CODEC(ZSTD(1)),
    role           LowCardinality(String),
    city           LowCardinality(String),
    pincode        String,
    zone           LowCardinality(String),
    last_active_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    attributes     JSON(max_dynamic_paths = 64),
    field_times    Map(LowCardinality(String), DateTime64(3, 'UTC')),
    version        UInt64 CODEC(Delta, ZSTD(1)),
    is_deleted     UInt8,
    INDEX by_email email TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_phone phone TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY recipient_id;

CREATE TABLE IF NOT EXISTS contacts_changes AS contacts ENGINE = ReplacingMergeTree(version) ORDER BY recipient_id;

CREATE OR REPLACE VIEW v_contacts AS
SELECT * FROM contacts WHERE is_deleted = 0 AND recipient_id NOT IN (SELECT recipient_id FROM contacts_changes)
UNION ALL
SELECT * FROM contacts_changes FINAL WHERE is_deleted = 0;

-- The newest opt-in and the newest opt-out of each person, channel ('all' too) and purpose, with their proof.
CREATE TABLE IF NOT EXISTS consents
(
    recipient_id String,
    brand        LowCardinality(String),
    channel      LowCardinality(String),
    purpose      LowCardinality(String),
    state        LowCardinality(String),
    reason       LowCardinality(String),
    at           DateTime64(3, 'UTC'),
    source       LowCardinality(String),
    proof        String CODEC(ZSTD(1)),
    ingested_at  DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (recipient_id, channel, purpose, state);

-- What holds now, by person and channel: the newest word, also where it was said of all channels; at a tie the opt-out.
CREATE OR REPLACE VIEW v_consents AS
SELECT recipient_id, brand, named AS channel, purpose,
       argMax(c.state, (c.at, c.state = 'opted_out')) AS state,
       argMax(c.reason, (c.at, c.state = 'opted_out')) AS reason,
       argMax(c.source, (c.at, c.state = 'opted_out')) AS source,
       max(c.at) AS at
FROM consents AS c
ARRAY JOIN if(c.channel = 'all', ['email', 'sms', 'whatsapp', 'push', 'social'], [toString(c.channel)]) AS named
GROUP BY recipient_id, brand, named, purpose;

-- Addresses that nobody of the brand may be messaged at, whoever has them; lifted = 1: no longer.
CREATE TABLE IF NOT EXISTS address_suppressions
(
    brand   LowCardinality(String),
    channel LowCardinality(String),
    address String,
    reason  LowCardinality(String),
    lifted  UInt8,
    at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (brand, channel, address);

-- opt_in and duplicate: a bit a channel: email 0, sms 1, whatsapp 2, push 3, social 4.
-- name, email, phone, zone and attributes (JSON) are filled for people who were listed in the campaign itself (inline = 1).
CREATE TABLE IF NOT EXISTS audience_members
(
    campaign_id  LowCardinality(String),
    snapshot_id  LowCardinality(String),
    ord          UInt32,
    recipient_id String,
    inline       UInt8,
    name         String CODEC(ZSTD(1)),
    email        String CODEC(ZSTD(1)),
    phone        String CODEC(ZSTD(1)),
    zone         LowCardinality(String),
    attributes   String CODEC(ZSTD(1)),
    opt_in       UInt8,
    duplicate    UInt8,
    created_at   DateTime('UTC') DEFAULT now(),
    INDEX by_recipient recipient_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_email email TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_phone phone TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (campaign_id, snapshot_id, ord)
TTL created_at + INTERVAL 13 MONTH;

-- Campaigns as the planner's records say, for names, brands and the size of audiences in views.
CREATE TABLE IF NOT EXISTS campaigns
(
    campaign_id   LowCardinality(String),
    brand         LowCardinality(String),
    name          String,
    kind          LowCardinality(String),
    status        LowCardinality(String),
    epoch         UInt32,
    steps         UInt16,
    snapshot_id   String,
    audience      UInt32,
    currency      LowCardinality(String),
    budget_micros Int64,
    created_at    DateTime64(3, 'UTC'),
    launched_at   Nullable(DateTime64(3, 'UTC')),
    ended_at      Nullable(DateTime64(3, 'UTC')),
    updated_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY campaign_id;
