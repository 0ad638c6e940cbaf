-- When each member may be messaged. clock_zone: where quiet hours and times of their own go by; the contact's, where it is one,
-- else the campaign's. best_hour: the hour of their day in which they open most, -1: none is known; best_opens of all their
-- `opens` were in it, 0 of 0 where it is the brand's hour.
ALTER TABLE audience_members ADD COLUMN IF NOT EXISTS clock_zone LowCardinality(String) DEFAULT '';

ALTER TABLE audience_members ADD COLUMN IF NOT EXISTS best_hour Int8 DEFAULT -1;

ALTER TABLE audience_members ADD COLUMN IF NOT EXISTS best_opens UInt16 DEFAULT 0;

ALTER TABLE audience_members ADD COLUMN IF NOT EXISTS opens UInt16 DEFAULT 0;

-- The members of each zone and hour as a set of ordinals: whoever may be asked for now is their union.
CREATE TABLE IF NOT EXISTS audience_groups
(
    campaign_id LowCardinality(String),
    snapshot_id String,
    clock_zone  LowCardinality(String),
    best_hour   Int8,
    members     AggregateFunction(groupBitmap, UInt32),
    created_on  Date
)
ENGINE = AggregatingMergeTree
ORDER BY (campaign_id, snapshot_id, clock_zone, best_hour, created_on)
TTL created_on + INTERVAL 13 MONTH;

CREATE MATERIALIZED VIEW IF NOT EXISTS audience_groups_mv TO audience_groups AS
SELECT campaign_id, snapshot_id, clock_zone, best_hour, groupBitmapState(ord) AS members, toDate(created_at) AS created_on
FROM audience_members GROUP BY campaign_id, snapshot_id, clock_zone, best_hour, created_on;

-- Once more is once: sets know no repeats.
INSERT INTO audience_groups (campaign_id, snapshot_id, clock_zone, best_hour, members, created_on)
SELECT campaign_id, snapshot_id, clock_zone, best_hour, groupBitmapState(ord), toDate(created_at) AS made_on
FROM audience_members GROUP BY campaign_id, snapshot_id, clock_zone, best_hour, made_on;
