-- By which dlt knows that raw is there. dlt makes it by a statement that fails where it exists, so
-- that of several first loads side by side only one would go on.
create table if not exists raw.dlt_sentinel_table (_dlt_id String)
engine = MergeTree
primary key _dlt_id
comment 'By which dlt knows that raw is there'
