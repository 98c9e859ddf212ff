-- One row per report of a lane's minute that passed its schema. A minute that is reported again,
-- corrected, is a row of its own; a report that lands again, because windows overlap, merges away.
create table if not exists raw.gate_management__gate_minutes
(
    source LowCardinality(String) comment 'The system that sent it: gate_management',
    event_id String comment 'The event that the gate served',
    gate_id LowCardinality(String) comment 'The gate, as the gate list has it',
    lane UInt8 comment 'Lane of the gate, from 1',
    minute_at DateTime64(3, 'UTC') comment 'When the minute that was counted began, by the gate''s clock',
    reported_at DateTime64(3, 'UTC') comment 'When the report reached gate management; hours later where a gate was offline',
    payload String comment 'The report as JSON' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toYYYYMM(landed_at)
order by (event_id, gate_id, lane, minute_at, reported_at, cityHash64(payload))
ttl toDateTime(landed_at) + interval 3 month
