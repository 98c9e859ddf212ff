-- One row per message of the attendee app, each once: what somebody did at an event, and when.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'message_id'],
        order_by=['event_id', 'type', 'user_key', 'occurred_at'],
        partition_by='toYYYYMM(received_at)',
        indexes=[{'name': 'built', 'definition': 'built_at type minmax granularity 1'}],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('(event_id, message_id)', ref('stg_user_app__events')) }}",
    )
}}

with messages as (
    select * from {{ ref('stg_user_app__events') }}
    where {{ built_since_last_build() }}
),

stamped as (
    select
        message_id,
        event_id,
        session_id,
        gate_id,
        user_key,
        device_id,
        registration_id,
        type,
        result,
        zone,
        os,
        os_version,
        model,
        app_version,
        page,
        poll_id,
        poll_option,
        occurred_at_rule,
        lane,
        score,
        seq,
        latitude,
        longitude,
        clock_offset_seconds,
        is_override,
        is_offline,
        occurred_at,
        sent_at,
        received_at,
        {{ built_at() }} as built_at
    from messages
)

select * from stamped
