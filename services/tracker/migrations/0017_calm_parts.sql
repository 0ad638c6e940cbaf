-- A person's events lie in every part of every month, and each part costs what a small query costs: a month in which nothing more
-- happens becomes one part, once nothing was written to it for six hours.
ALTER TABLE delivery_events MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;

-- The same of contacts, whose base was merged as a whole with each compaction before.
ALTER TABLE contacts MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;
