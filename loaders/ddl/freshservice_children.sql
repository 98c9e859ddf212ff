-- One row per version of a record that Freshservice shows only under its parent (a conversation of a
-- ticket, a task of a change); {table} is one per endpoint. The parent is not in the payload, so it
-- stands beside it. A version that lands again merges away.
create table if not exists raw.{table}
(
    source LowCardinality(String) comment 'The system that sent it: freshservice',
    parent_type LowCardinality(String) comment 'Kind of the parent: ticket, problem, change, release or application',
    parent_id Int64 comment 'The parent''s own id',
    record_id Int64 comment 'The record''s own id; of a record without one a hash of its content',
    source_at Nullable(DateTime64(3, 'UTC')) comment 'updated_at of the record, or created_at where it has no other',
    payload String comment 'The record as JSON, identifiers pseudonymised' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toYYYYMM(landed_at)
order by (parent_type, parent_id, record_id, cityHash64(payload))
ttl toDateTime(landed_at) + interval 3 month
