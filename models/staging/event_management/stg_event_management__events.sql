-- One row per event message, each message once; a cancelling message brings only its key.
{{
    config(
        unique_key=['event_id', 'message_id'],
        order_by=['event_id', 'message_id'],
        pre_hook="{{ refuse_history_loss('message_id', source('event_management', 'event_data')) }}",
    )
}}

with messages as (
    {{ landed_messages('event') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'data',
            'Tuple(
                event_id String,
                organization_id Nullable(String),
                venue_id Nullable(String),
                name Nullable(String),
                category Nullable(String),
                timezone Nullable(String),
                reason Nullable(String),
                capacity Nullable(Int64),
                doors_open_at Nullable(String),
                starts_at Nullable(String),
                ends_at Nullable(String)
            )'
        ) as data
    from messages
),

typed as (
    select
        message_id,
        data.event_id as event_id,
        {{ clean_string('data.organization_id') }} as organization_id,
        {{ clean_string('data.venue_id') }} as venue_id,
        message_verb,
        {{ clean_string('data.name') }} as event_name,
        toLowCardinality({{ clean_string('data.category') }}) as category,
        toLowCardinality({{ clean_string('data.timezone') }}) as time_zone,
        {{ clean_string('data.reason') }} as cancellation_reason,
        data.capacity as capacity,
        {{ parse_instant('data.doors_open_at') }} as doors_open_at,
        {{ parse_instant('data.starts_at') }} as starts_at,
        {{ parse_instant('data.ends_at') }} as ends_at,
        occurred_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
