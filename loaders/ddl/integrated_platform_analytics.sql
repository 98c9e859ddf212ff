-- One row per statement of an hour that passed its schema. An hour that is restated is a row of its
-- own; a statement that lands again, because windows overlap, merges away.
create table if not exists raw.integrated_platform__analytics
(
    source LowCardinality(String) comment 'The system that sent it: integrated_platform',
    organization_id LowCardinality(String) comment 'The organisation whose event it is',
    event_id String comment 'The event',
    channel LowCardinality(String) comment 'The channel through which people came, for example web',
    hour_at DateTime64(3, 'UTC') comment 'When the hour that is told of began',
    updated_at DateTime64(3, 'UTC') comment 'When the platform stated it, or stated it anew',
    payload String comment 'The hour as JSON' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toYYYYMM(landed_at)
order by (organization_id, event_id, channel, hour_at, updated_at, cityHash64(payload))
ttl toDateTime(landed_at) + interval 3 month
