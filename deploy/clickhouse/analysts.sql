-- What analysts may see of a ClickHouse server, and how long they may keep it busy. Run it as Peal's own user, who must be
-- allowed to manage access, once and after each upgrade; where PEAL_CLICKHOUSE_URL names another database than `default`,
-- put that in its place. Then brand.sql, once a brand.
CREATE DATABASE IF NOT EXISTS analysts;

-- The views of docs/analysts.md, read with the rights of whoever runs this: analysts have none to a table of Peal's. Words of
-- providers may repeat the address that they are about: here they do not.
CREATE OR REPLACE VIEW analysts.sends DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * REPLACE (replaceRegexpAll(detail, '[^\\s<>"]+@[^\\s<>"]+|\\+?[0-9]{8,15}', '***') AS detail) FROM default.sends;

CREATE OR REPLACE VIEW analysts.events DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * REPLACE (replaceRegexpAll(detail, '[^\\s<>"]+@[^\\s<>"]+|\\+?[0-9]{8,15}', '***') AS detail) FROM default.events;

CREATE OR REPLACE VIEW analysts.campaign_channel_daily DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * FROM default.campaign_channel_daily;

CREATE OR REPLACE VIEW analysts.reach DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * FROM default.reach;

CREATE OR REPLACE VIEW analysts.costs DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * FROM default.costs;

CREATE OR REPLACE VIEW analysts.engagement_by_hour DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT * FROM default.engagement_by_hour;

-- Without a policy of their own, nobody sees a row: what is not allowed is forbidden.
CREATE ROW POLICY OR REPLACE nobody ON analysts.* USING 0 TO ALL;

-- readonly = 2: settings may be changed, as every HTTP client does, but not these.
CREATE ROLE IF NOT EXISTS peal_analyst;

ALTER ROLE peal_analyst
SETTINGS readonly = 2, max_execution_time = 60 CONST, max_memory_usage = 4000000000 CONST, max_threads = 2 CONST;

GRANT SELECT ON analysts.* TO peal_analyst;

-- For whoever may see all brands: GRANT peal_analyst_of_all TO ...
CREATE ROLE IF NOT EXISTS peal_analyst_of_all;

GRANT peal_analyst TO peal_analyst_of_all;

CREATE ROW POLICY OR REPLACE everything ON analysts.* USING 1 TO peal_analyst_of_all;
