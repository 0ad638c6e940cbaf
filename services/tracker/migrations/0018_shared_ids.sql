-- Who they are: of those who may share an address, the first keeps it. A column that is empty for most people is read in a tenth of
-- the time that recipient_id takes.
ALTER TABLE contacts ADD COLUMN IF NOT EXISTS shared_id String
    MATERIALIZED if(bitAnd(reach, 49152) = 0, '', recipient_id) CODEC(ZSTD(1));

ALTER TABLE contacts MATERIALIZE COLUMN shared_id;
