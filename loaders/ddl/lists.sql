-- One row per version of a listed record that passed its schema; {table} is one per list. A version
-- that lands again, because the list is read whole or windows overlap, merges away.
create table if not exists raw.{table}
(
    source LowCardinality(String) comment 'The system that sent it',
    record_id String comment 'The record''s own id; a person''s is a pseudonym',
    source_at Nullable(DateTime64(3, 'UTC')) comment 'updated_at of the record; null where the list has none',
    payload String comment 'The record as JSON, identifiers pseudonymised' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toYYYYMM(landed_at)
order by (record_id, cityHash64(payload))
ttl toDateTime(landed_at) + interval 3 month
