-- One row per list of a parent that Freshservice could not show: some old tickets answer 500 for ever.
-- It is asked for again, ever more rarely. A list that was shown since has a later sweep.
create table if not exists raw.freshservice__unanswered
(
    source LowCardinality(String) comment 'The system that was read: freshservice',
    feed LowCardinality(String) comment 'The list, for example activities',
    parent_type LowCardinality(String) comment 'Kind of the parent',
    parent_id Int64 comment 'The parent''s own id',
    parent_at Nullable(DateTime64(3, 'UTC')) comment 'updated_at of the parent when its list was asked for',
    status UInt16 comment 'What came instead: the HTTP status, or 0 for an answer that could not be read',
    tries UInt16 comment 'How often in a row it was asked for in vain',
    asked_at DateTime64(3, 'UTC') comment 'When it was last asked for, by the source''s clock',
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree(landed_at)
order by (feed, parent_type, parent_id)
ttl toDateTime(landed_at) + interval 3 month
