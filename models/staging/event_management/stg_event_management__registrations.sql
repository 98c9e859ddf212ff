-- One row per registration message, each message once; a cancelling message brings only its keys.
{{
    config(
        unique_key=['registration_id', 'message_id'],
        order_by=['registration_id', 'message_id'],
        indexes=[{'name': 'built', 'definition': '_built_at type minmax granularity 1'}],
        pre_hook="{{ refuse_history_loss('message_id', source('event_management', 'event_data')) }}",
    )
}}

with messages as (
    {{ landed_messages('registration') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'data',
            'Tuple(
                registration_id String,
                event_id String,
                user_id Nullable(String),
                email Nullable(String),
                ticket_type Nullable(String),
                channel Nullable(String),
                status Nullable(String),
                currency Nullable(String),
                reason Nullable(String),
                price_minor Nullable(Int64),
                registered_at Nullable(String)
            )'
        ) as data
    from messages
),

typed as (
    select
        message_id,
        data.registration_id as registration_id,
        data.event_id as event_id,
        {{ clean_string('data.user_id') }} as user_id,
        {{ clean_string('data.email') }} as email_pseudonym,
        message_verb,
        toLowCardinality({{ clean_string('data.ticket_type') }}) as ticket_type,
        toLowCardinality(lower({{ clean_string('data.channel') }})) as channel,
        toLowCardinality({{ clean_string('data.status') }}) as status,
        toLowCardinality({{ clean_string('data.currency') }}) as currency,
        {{ clean_string('data.reason') }} as cancellation_reason,
        data.price_minor as price_minor,
        {{ parse_instant('data.registered_at') }} as registered_at,
        occurred_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('typed', ['user_id', 'email_pseudonym']) }}
)

select * from known_by_first_pseudonyms
