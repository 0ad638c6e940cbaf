-- lists: uploaded lists that the person is on. reach: what keeps messages from the person, in bits (services/domain/reach.py);
-- 0: not worked out. It is worked out as rows are moved into the base, and not kept up for rows in contacts_changes.
ALTER TABLE contacts ADD COLUMN IF NOT EXISTS lists Array(LowCardinality(String));

ALTER TABLE contacts_changes ADD COLUMN IF NOT EXISTS lists Array(LowCardinality(String));

ALTER TABLE contacts ADD COLUMN IF NOT EXISTS reach UInt32 CODEC(ZSTD(1));

ALTER TABLE contacts_changes ADD COLUMN IF NOT EXISTS reach UInt32 CODEC(ZSTD(1));

CREATE OR REPLACE VIEW v_contacts AS
SELECT * FROM contacts WHERE is_deleted = 0 AND recipient_id NOT IN (SELECT recipient_id FROM contacts_changes)
UNION ALL
SELECT * FROM contacts_changes FINAL WHERE is_deleted = 0;

-- When a provider last called the person's address invalid, by channel.
CREATE TABLE IF NOT EXISTS address_refusals
(
    recipient_id String,
    channel      LowCardinality(String),
    at           DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (recipient_id, channel)
TTL toDateTime(at) + INTERVAL 13 MONTH;

CREATE MATERIALIZED VIEW IF NOT EXISTS address_refusals_mv TO address_refusals AS
SELECT recipient_id, toString(e.channel) AS channel, occurred_at AS at
FROM delivery_events AS e WHERE e.status = 'failed' AND e.reason = 'invalid_address';

INSERT INTO address_refusals
SELECT recipient_id, toString(e.channel) AS channel, occurred_at AS at
FROM delivery_events AS e WHERE e.status = 'failed' AND e.reason = 'invalid_address';

-- People whose `reach` in the base may be of before: told of since. Emptied as they are worked out anew.
CREATE TABLE IF NOT EXISTS reach_changes
(
    recipient_id String,
    at           DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY recipient_id;

CREATE MATERIALIZED VIEW IF NOT EXISTS reach_changes_consents_mv TO reach_changes AS
SELECT recipient_id, now64(3) AS at FROM consents;

CREATE MATERIALIZED VIEW IF NOT EXISTS reach_changes_refusals_mv TO reach_changes AS
SELECT recipient_id, now64(3) AS at FROM delivery_events AS e WHERE e.status = 'failed' AND e.reason = 'invalid_address';
