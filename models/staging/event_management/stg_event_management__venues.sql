-- One row per venue message, each message once; a venue is never cancelled.
{{
    config(
        unique_key=['venue_id', 'message_id'],
        order_by=['venue_id', 'message_id'],
        pre_hook="{{ refuse_history_loss('message_id', source('event_management', 'event_data')) }}",
    )
}}

with messages as (
    {{ landed_messages('venue') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'data',
            'Tuple(
                venue_id String,
                name Nullable(String),
                timezone Nullable(String),
                country Nullable(String),
                capacity Nullable(Int64)
            )'
        ) as data
    from messages
),

typed as (
    select
        message_id,
        data.venue_id as venue_id,
        message_verb,
        {{ clean_string('data.name') }} as venue_name,
        toLowCardinality({{ clean_string('data.timezone') }}) as time_zone,
        toLowCardinality({{ clean_string('data.country') }}) as country,
        data.capacity as capacity,
        occurred_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
