-- Who did what and when. Ordered so that the same act, told twice, is one row; recipient_id: whom it was about, empty for most.
-- recipient_id is part of the key, so that an erasure can copy a row under the pseudonym before it deletes the other.
CREATE TABLE IF NOT EXISTS audit_log
(
    brand        LowCardinality(String),
    at           DateTime64(3, 'UTC'),
    entry_id     String,
    operator     LowCardinality(String),
    source       LowCardinality(String),
    action       LowCardinality(String),
    object       String,
    recipient_id String,
    status       LowCardinality(String),
    epoch_before Nullable(UInt32),
    epoch_after  Nullable(UInt32),
    detail       String CODEC(ZSTD(1)),
    ingested_at  DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (brand, at, entry_id, recipient_id);

-- Every word that a person ever said on consent, with its source and proof: `consents` holds the newest ones.
CREATE TABLE IF NOT EXISTS consent_words
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
ENGINE = ReplacingMergeTree
ORDER BY (recipient_id, at, channel, purpose, state, reason, source);

CREATE MATERIALIZED VIEW IF NOT EXISTS consent_words_fill TO consent_words AS
SELECT recipient_id, brand, channel, purpose, state, reason, at, source, proof, ingested_at FROM consents;

-- What was said before this table was made, as far as it is kept.
INSERT INTO consent_words SELECT recipient_id, brand, channel, purpose, state, reason, at, source, proof, ingested_at FROM consents;
