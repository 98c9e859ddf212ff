-- One row per event; one that only its sessions, its registrations or the app tell of has nothing
-- but the id.
{{ config(order_by='event_id') }}

with messages as (
    select * from {{ ref('stg_event_management__events') }}
),

sessions as (
    select * from {{ ref('stg_event_management__sessions') }}
),

registrations as (
    select * from {{ ref('stg_event_management__registrations') }}
),

app_sessions as (
    select * from {{ ref('int_app_sessions_seen') }}
),

venue_messages as (
    select * from {{ ref('stg_event_management__venues') }}
),

venues as (
    select *
    from venue_messages
    order by {{ message_order() }} desc
    limit 1 by venue_id
),

folded as (
    select
        event_id,
        argMaxIf(
            tuple(
                organization_id, venue_id, event_name, category, time_zone, capacity,
                doors_open_at, starts_at, ends_at
            ),
            {{ message_order() }},
            message_verb != 'cancelled'
        ) as details,
        argMaxIf(tuple(cancellation_reason), {{ message_order() }}, message_verb = 'cancelled').1
            as cancellation_reason,
        countIf(message_verb != 'cancelled') as details_count,
        minOrNullIf(occurred_at, message_verb = 'cancelled') as cancelled_at
    from messages
    group by event_id
),

all_events as (
    select event_id from folded
    union distinct
    select event_id from sessions
    union distinct
    select event_id from registrations
    union distinct
    select event_id from app_sessions
),

described as (
    select
        all_events.event_id as event_id,
        folded.details.1 as organization_id,
        folded.details.2 as venue_id,
        coalesce(folded.details.3, 'Unknown') as event_name,
        toLowCardinality(folded.details.4) as category,
        toLowCardinality(folded.details.5) as time_zone,
        folded.cancellation_reason as cancellation_reason,
        venues.venue_name as venue_name,
        venues.country as venue_country,
        folded.details.6 as capacity,
        venues.capacity as venue_capacity,
        toBool(folded.cancelled_at is not null) as is_cancelled,
        toBool(coalesce(folded.details_count, 0) > 0) as has_details,
        folded.details.7 as doors_open_at,
        folded.details.8 as starts_at,
        folded.details.9 as ends_at,
        folded.cancelled_at as cancelled_at
    from all_events
    left join folded on all_events.event_id = folded.event_id
    left join venues on folded.details.2 = venues.venue_id
)

select * from described
