-- One row per record that was refused at the door, from any source. The last row of an id wins: a
-- replay writes the same id again with status 'replayed'. payload_sealed is encrypted, because a
-- record that could not be parsed may hold an identifier anywhere.
create table if not exists raw.dead_letters
(
    dead_letter_id String comment 'Hash of source, feed, position and content: the same refusal has the same id',
    source LowCardinality(String) comment 'The system that sent it',
    feed LowCardinality(String) comment 'Topic or endpoint, for example event-data or tickets',
    position String comment 'Where the source keeps it: partition/offset, or a record id',
    reason LowCardinality(String) comment 'Kind of refusal, for example not_json, schema, unknown_type',
    detail String comment 'Path and rule that failed; never a value',
    source_at Nullable(DateTime64(3, 'UTC')) comment 'Source time where one could be read',
    payload_sealed String comment 'The bytes as received, sealed with the privacy key' codec(ZSTD(3)),
    status LowCardinality(String) comment 'open or replayed',
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree(landed_at)
order by dead_letter_id
ttl toDateTime(landed_at) + interval 3 month
