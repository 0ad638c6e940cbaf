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

-- What holds now, by person, channel and purpose, as the router judges: of each kind of word the newest counts, at a tie the
-- no; and a no, to the channel or to all, is not lifted by a yes to the other.
CREATE OR REPLACE VIEW v_consents AS
SELECT recipient_id, brand, named AS channel, purpose,
       argMax(w.last.3, (w.last.3 = 'opted_out', w.last.2)) AS state,
       argMax(w.last.4, (w.last.3 = 'opted_out', w.last.2)) AS reason,
       argMax(w.last.5, (w.last.3 = 'opted_out', w.last.2)) AS source,
       argMax(w.last.2, (w.last.3 = 'opted_out', w.last.2)) AS at
FROM
(
    SELECT recipient_id, brand, channel AS said_of, purpose,
           argMax((c.reason = 'erased', c.at, toString(c.state), toString(c.reason), toString(c.source)),
                  (c.reason = 'erased', c.at, c.state = 'opted_out')) AS last
    FROM consents AS c
    GROUP BY recipient_id, brand, said_of, purpose
) AS w
ARRAY JOIN if(said_of = 'all', ['email', 'sms', 'whatsapp', 'push', 'social'], [toString(said_of)]) AS named
GROUP BY recipient_id, brand, named, purpose;
