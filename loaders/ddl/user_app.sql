-- One row per message of the app that passed its schema and lane that brought it. A message may land
-- more than once: under one number by both lanes, and under another when the phone sent it again.
-- message_id says which are one, and staging counts it once.
create table if not exists raw.user_app__events
(
    source LowCardinality(String) comment 'The system that sent it: user_app',
    message_id String comment 'The identity of the message: one that the phone sends again keeps it',
    type LowCardinality(String) comment 'What the attendee did, for example check_in',
    event_id String comment 'The event at which it was done',
    source_at Nullable(DateTime64(3, 'UTC')) comment 'timestamp of the message, as the phone''s clock had it; null where it is no instant',
    sent_at Nullable(DateTime64(3, 'UTC')) comment 'sent_at of the message, by the same clock; null where it is no instant',
    received_at DateTime64(3, 'UTC') comment 'When the app''s server took it, by the server''s clock',
    seq UInt64 comment 'The server''s number of it: ascending, and within a UTC day without holes',
    channel LowCardinality(String) comment 'How it came: websocket, rest, or replay of a dead letter',
    payload String comment 'The message as JSON, identifiers pseudonymised' codec(ZSTD(3)),
    _dlt_load_id LowCardinality(String) comment 'dlt load package that landed it',
    landed_at DateTime64(6, 'UTC') default now64(6) comment 'When ClickHouse took it'
)
engine = ReplacingMergeTree
partition by toDate(landed_at)
order by (event_id, received_at, seq, message_id)
ttl toDateTime(landed_at) + interval 3 month
settings ttl_only_drop_parts = 1
