-- One row per ticket and unbroken stretch in one status and one group, kept up to date.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'segment_number'],
    )
}}

with states as (
    select * from {{ ref('int_ticket_states') }}
),

statuses as (
    select * from {{ ref('ticket_statuses') }}
),

group_calendars as (
    select * from {{ ref('int_group_calendars') }}
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

-- A version of a calendar that is known since changes what came after it, in its groups.
changed_groups as (
    select
        group_id,
        min(valid_from) as changed_from
    from group_calendars
    where {{ built_since_last_build('known_at') }}
    group by group_id
),

touched as (
    select ticket_id
    from states
    where {{ built_since_last_build() }}
    union distinct
    select states.ticket_id as ticket_id
    from states
    inner join changed_groups on states.group_id = changed_groups.group_id
    where coalesce(states.ends_at > changed_groups.changed_from, true)
),

marked as (
    select
        *,
        state_number = 1
        or (status_id, group_id) != lagInFrame((status_id, group_id)) over by_time as is_new,
        last_value(group_id) over (
            partition by ticket_id order by state_number
            rows between unbounded preceding and unbounded following
        ) as last_group_id
    from states
    where ticket_id in (select ticket_id from touched)
    window by_time as (
        partition by ticket_id order by state_number
        rows between unbounded preceding and current row
    )
),

numbered as (
    select
        *,
        toUInt32(
            sum(is_new) over (
                partition by ticket_id order by state_number
                rows between unbounded preceding and current row
            )
        ) as segment_number
    from marked
),

segments as (
    select
        ticket_id,
        segment_number,
        any(status_id) as status_id,
        any(group_id) as group_id,
        any(last_group_id) as last_group_id,
        argMin(history_source, state_number) as history_source,
        min(starts_at) as starts_at,
        if(count(ends_at) = count(), max(ends_at), null) as ends_at
    from numbered
    group by ticket_id, segment_number
),

finished as (
    select
        ticket_id,
        segment_number as number,
        group_id,
        last_group_id,
        starts_at as begins_at,
        assumeNotNull(ends_at) as stops_at
    from segments
    where ends_at is not null
),

open_times as (
    {{ open_times('finished', 'group_calendars', 'intervals') }}
),

described as (
    select
        segments.ticket_id as ticket_id,
        segments.segment_number as segment_number,
        segments.status_id as status_id,
        segments.group_id as group_id,
        toLowCardinality(segments.history_source) as history_source,
        {{ seconds_between('segments.starts_at', 'segments.ends_at') }} as elapsed_seconds,
        open_times.holder_seconds as business_seconds,
        open_times.last_seconds as last_calendar_seconds,
        toBool(coalesce(statuses.is_sla_timer_running, true)) as is_sla_timer_running,
        toBool(segments.status_id in (4, 5)) as is_done,
        segments.starts_at as starts_at,
        segments.ends_at as ends_at,
        {{ built_at() }} as built_at
    from segments
    left join open_times
        on
            segments.ticket_id = open_times.ticket_id
            and segments.segment_number = open_times.number
    left join statuses on segments.status_id = statuses.status_id
)

select * from described
