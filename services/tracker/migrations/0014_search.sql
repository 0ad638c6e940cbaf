DROP TABLE IF EXISTS send_standings;

-- What a person is looked for by: any part, of three letters or more, of id, name, mail address, number or city.
ALTER TABLE contacts ADD COLUMN IF NOT EXISTS search String
    MATERIALIZED lowerUTF8(concat(substring(recipient_id, position(recipient_id, '/') + 1), ' ', name, ' ', email, ' ', phone, ' ', city))
    CODEC(ZSTD(1));

ALTER TABLE contacts_changes ADD COLUMN IF NOT EXISTS search String
    MATERIALIZED lowerUTF8(concat(substring(recipient_id, position(recipient_id, '/') + 1), ' ', name, ' ', email, ' ', phone, ' ', city))
    CODEC(ZSTD(1));

ALTER TABLE contacts ADD INDEX IF NOT EXISTS by_text search TYPE text(tokenizer = ngrams(3));

ALTER TABLE contacts MATERIALIZE COLUMN search;

ALTER TABLE contacts MATERIALIZE INDEX by_text;
