-- One row per record of the Kafka topic ticket-events that passed its schema. Landing a record twice is
-- allowed: it merges away here, and staging counts each version once. The version is part of the key,
-- as a topic that is made anew counts its offsets from 0 again.
create table if not exists raw.freshservice__ticket_events
(
    source LowCardinality(String) comment 'The system that sent it: ticket_events',
    topic LowCardinality(String) comment 'Kafka topic',
    partition UInt16 comment 'Kafka partition',
    offset UInt64 comment 'Kafka offset; with topic and partition the identity of the record',
    event_type LowCardinality(String) comment 'What happened to the ticket, for example ticket.updated',
    record_id Int64 comment 'The ticket''s own id',
    source_at DateTime64(3, 'UTC') comment 'updated_at of the ticket',
    published_at DateTime64(3, 'UTC') comment 'Kafka timestamp: when it reached the broker',
    payload String comment 'The ticket as JSON, identifiers pseudonymised' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toDate(landed_at)
order by (topic, partition, offset, record_id, source_at)
ttl toDateTime(landed_at) + interval 3 month
settings ttl_only_drop_parts = 1
