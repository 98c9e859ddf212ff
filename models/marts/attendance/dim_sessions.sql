-- One row per session of an event; one that only its cancellation or the app tells of has nothing
-- but the ids.
{{ config(order_by=['event_id', 'session_id']) }}

with messages as (
    select * from {{ ref('stg_event_management__sessions') }}
),

app_sessions as (
    select
        session_id,
        min(event_id) as event_id
    from {{ ref('int_app_sessions_seen') }}
    where session_id != ''
    group by session_id
),

folded as (
    select
        session_id,
        argMax(event_id, {{ message_order() }}) as event_id,
        argMaxIf(
            tuple(title, zone, capacity, starts_at, ends_at),
            {{ message_order() }},
            message_verb != 'cancelled'
        ) as details,
        countIf(message_verb != 'cancelled') as details_count,
        minOrNullIf(occurred_at, message_verb = 'cancelled') as cancelled_at
    from messages
    group by session_id
),

all_sessions as (
    select * from folded
    union all
    select
        session_id,
        event_id,
        (null, null, null, null, null) as details,
        0 as details_count,
        null as cancelled_at
    from app_sessions
    where session_id not in (select session_id from folded)
),

described as (
    select
        session_id,
        event_id,
        details.1 as title,
        toLowCardinality(details.2) as zone,
        details.3 as capacity,
        toBool(cancelled_at is not null) as is_cancelled,
        toBool(details_count > 0) as has_details,
        details.4 as starts_at,
        details.5 as ends_at,
        cancelled_at
    from all_sessions
)

select * from described
