-- Sends that failed and may be tried again: how often and when, for the planner's growing pauses.
CREATE TABLE IF NOT EXISTS retries
(
    campaign_id LowCardinality(String),
    step        UInt16,
    ord         UInt32,
    attempt     UInt16,
    reason      LowCardinality(String),
    occurred_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (campaign_id, step, ord, attempt)
TTL toDateTime(occurred_at) + INTERVAL 3 MONTH;

CREATE MATERIALIZED VIEW IF NOT EXISTS retries_mv TO retries AS
SELECT campaign_id, step, ord, attempt, reason, occurred_at
FROM delivery_events WHERE status = 'failed_retryable' AND ord != 4294967295;
