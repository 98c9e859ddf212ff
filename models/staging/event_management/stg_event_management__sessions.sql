-- One row per session message, each message once; a cancelling message brings only its keys.
{{
    config(
        unique_key=['session_id', 'message_id'],
        order_by=['session_id', 'message_id'],
        pre_hook="{{ refuse_history_loss('message_id', source('event_management', 'event_data')) }}",
    )
}}

with messages as (
    {{ landed_messages('session') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'data',
            'Tuple(
                session_id String,
                event_id String,
                title Nullable(String),
                zone Nullable(String),
                reason Nullable(String),
                capacity Nullable(Int64),
                starts_at Nullable(String),
                ends_at Nullable(String)
            )'
        ) as data
    from messages
),

typed as (
    select
        message_id,
        data.session_id as session_id,
        data.event_id as event_id,
        message_verb,
        {{ clean_string('data.title') }} as title,
        toLowCardinality({{ clean_string('data.zone') }}) as zone,
        {{ clean_string('data.reason') }} as cancellation_reason,
        data.capacity as capacity,
        {{ parse_instant('data.starts_at') }} as starts_at,
        {{ parse_instant('data.ends_at') }} as ends_at,
        occurred_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
