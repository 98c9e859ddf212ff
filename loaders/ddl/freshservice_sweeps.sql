-- One row per list that was read to its end: the ids that it showed. It tells what is gone (landed
-- once, shown no more), and which parents have not been asked for their children since they changed.
-- The list that was read last wins.
create table if not exists raw.freshservice__sweeps
(
    source LowCardinality(String) comment 'The system that was read: freshservice',
    feed LowCardinality(String) comment 'The list, for example requesters or conversations; what is in the bin belongs to it',
    parent_type LowCardinality(String) comment 'Kind of the parent; empty for the account''s own lists',
    parent_id Int64 comment 'The parent''s own id; 0 for the account''s own lists',
    parent_at Nullable(DateTime64(3, 'UTC')) comment 'updated_at of the parent when its list was read',
    record_ids Array(Int64) comment 'The ids that the list showed, ascending',
    read_at DateTime64(3, 'UTC') comment 'When it was read, by the source''s clock',
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree(landed_at)
order by (feed, parent_type, parent_id)
ttl toDateTime(landed_at) + interval 3 month
