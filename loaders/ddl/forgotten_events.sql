-- One row per event at which somebody was who has been forgotten: its rollups go on counting them, so
-- they are more than the facts. Whom it was about is nowhere.
create table if not exists raw.forgotten_events
(
    event_id String comment 'The event',
    forgotten_at DateTime64(3, 'UTC') default now64(3) comment 'When its facts lost rows'
)
engine = ReplacingMergeTree
order by event_id
