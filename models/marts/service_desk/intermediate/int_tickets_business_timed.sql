-- One row per ticket: its waits in the open hours of the calendar that its group works by now.
{{
    config(
        unique_key='ticket_id',
        order_by='ticket_id',
        materialized='incremental',
    )
}}

with tickets as (
    select * from {{ ref('int_tickets_folded') }}
),

group_calendars as (
    select * from {{ ref('int_group_calendars') }}
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

touched as (
    select *
    from tickets
    where
        {{ built_since_last_build() }}
        or group_id in (
            select group_id
            from group_calendars
            where {{ built_since_last_build() }}
        )
),

-- A wait is the open seconds up to its end less those up to its beginning: two instants a ticket.
instants as (
    select
        touched.ticket_id as ticket_id,
        group_calendars.calendar_id as calendar_id,
        instant.1 as sign,
        assumeNotNull(instant.2) as instant_at
    from touched
    inner join group_calendars on touched.group_id = group_calendars.group_id
    array join [(-1, touched.created_at), (1, touched.first_responded_at)] as instant
    where touched.first_responded_at >= touched.created_at
),

-- Open seconds of a calendar up to an instant: all before its stretch, and its part of the stretch.
waits as (
    select
        instants.ticket_id as ticket_id,
        sum(
            instants.sign * (
                intervals.open_seconds_before + least(
                    age('second', intervals.starts_at, instants.instant_at), intervals.open_seconds
                )
            )
        ) as first_response_business_seconds
    from instants
    asof join intervals
        on
            instants.calendar_id = intervals.calendar_id
            and instants.instant_at >= intervals.starts_at
    group by ticket_id
    -- An instant before the calendar's first stretch has no answer, so the wait has none.
    having count() = 2
),

timed as (
    select
        touched.ticket_id as ticket_id,
        waits.first_response_business_seconds as first_response_business_seconds,
        {{ built_at() }} as _built_at
    from touched
    left join waits on touched.ticket_id = waits.ticket_id
)

select * from timed
