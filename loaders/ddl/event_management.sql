-- One row per record of the Kafka topic event-data that passed its schema. Landing a record twice is
-- allowed: equal (topic, partition, offset) merge away here, and staging counts each message once.
create table if not exists raw.event_management__event_data
(
    source LowCardinality(String) comment 'The system that sent it: event_management',
    topic LowCardinality(String) comment 'Kafka topic',
    partition UInt16 comment 'Kafka partition',
    offset UInt64 comment 'Kafka offset; with topic and partition the identity of the record',
    message_id String comment 'The identity of the message: a resent message keeps it',
    type LowCardinality(String) comment 'entity.verb, for example registration.created',
    schema_version UInt16 comment 'Version of the schema that the producer wrote against',
    source_at DateTime64(3, 'UTC') comment 'occurred_at of the message: when it happened',
    published_at DateTime64(3, 'UTC') comment 'Kafka timestamp: when it reached the broker',
    payload String comment 'The message as JSON, identifiers pseudonymised' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toDate(landed_at)
order by (topic, partition, offset, message_id)
ttl toDateTime(landed_at) + interval 3 month
settings ttl_only_drop_parts = 1
