-- Who has been erased: keyed hashes of ids and addresses, by which whatever comes later is known and refused. No identity.
CREATE TABLE IF NOT EXISTS erased
(
    brand LowCardinality(String),
    kind  LowCardinality(String),
    hash  String,
    at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (brand, kind, hash);

-- Erasures asked for. recipient_id and addresses are there while one is under way, and gone when it is done.
CREATE TABLE IF NOT EXISTS erasures
(
    pseudonym    String,
    recipient_id String,
    emails       Array(String),
    phones       Array(String),
    state        LowCardinality(String),
    detail       String,
    requested_at DateTime64(3, 'UTC'),
    updated_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (pseudonym, state);

-- erased = 1: what is left of a member: an ordinal under a pseudonym.
ALTER TABLE audience_members ADD COLUMN IF NOT EXISTS erased UInt8 DEFAULT 0;
