-- One row per agent and day: the open seconds of the calendar of the agent's own group.
{{ config(materialized='table', order_by=['agent_id', 'date_day']) }}

{%- set zone = var('backlog_time_zone') %}

with agent_versions as (
    select * from {{ ref('dim_agent_versions') }}
),

group_versions as (
    select * from {{ ref('dim_group_versions') }}
),

default_calendars as (
    select min(calendar_id) as calendar_id
    from {{ ref('stg_freshservice__business_hours') }}
    where is_default
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

leaves as (
    select * from {{ ref('agent_leaves') }}
),

-- No work is known from before the first ticket, so there was none to be free for.
bounds as (
    select
        greatest(
            min(created_at), {{ as_of() }} - toIntervalYear({{ var('rollup_years') }})
        ) as starts_at,
        {{ as_of() }} as ends_at
    from {{ ref('fct_tickets') }}
),

-- While the agent's account was in use and the group worked by that calendar.
spans as (
    select
        agent_versions.agent_id as agent_id,
        group_versions.group_id as group_id,
        coalesce(group_versions.calendar_id, default_calendars.calendar_id, 0) as calendar_id,
        greatest(
            bounds.starts_at,
            agent_versions.valid_from,
            group_versions.valid_from,
            coalesce(agent_versions.created_at, bounds.starts_at)
        ) as starts_at,
        least(
            bounds.ends_at,
            coalesce(agent_versions.valid_to, bounds.ends_at),
            coalesce(group_versions.valid_to, bounds.ends_at)
        ) as ends_at
    from agent_versions
    inner join group_versions on agent_versions.home_group_id = group_versions.group_id
    cross join bounds
    cross join default_calendars
    where agent_versions.is_active and starts_at < ends_at
),

open_stretches as (
    select
        spans.agent_id as agent_id,
        spans.group_id as group_id,
        greatest(spans.starts_at, intervals.starts_at) as starts_at,
        least(spans.ends_at, intervals.ends_at) as ends_at
    from spans
    inner join intervals on spans.calendar_id = intervals.calendar_id
    where starts_at < ends_at
),

by_day as (
    select
        agent_id,
        group_id,
        date_day,
        greatest(starts_at, toDateTime64(date_day, 3, '{{ zone }}')) as starts_at,
        least(ends_at, toDateTime64(date_day + 1, 3, '{{ zone }}')) as ends_at
    from open_stretches
    array join
        arrayMap(
            day -> toDate(day),
            range(
                toUInt32(toDate(open_stretches.starts_at, '{{ zone }}')),
                toUInt32(toDate(open_stretches.ends_at, '{{ zone }}')) + 1
            )
        ) as date_day
    -- What ends at midnight is no part of the day that begins then.
    where starts_at < ends_at
),

scheduled as (
    select
        by_day.agent_id as agent_id,
        by_day.group_id as group_id,
        by_day.starts_at as starts_at,
        by_day.date_day as date_day,
        any(greatest(age('second', by_day.starts_at, by_day.ends_at), 0)) as open_seconds,
        sum(
            if(
                leaves.agent_id is null,
                0,
                greatest(
                    age(
                        'second',
                        greatest(by_day.starts_at, leaves.starts_at),
                        least(by_day.ends_at, leaves.ends_at)
                    ),
                    0
                )
            )
        ) as leave_seconds
    from by_day
    left join leaves on by_day.agent_id = leaves.agent_id
    group by agent_id, group_id, starts_at, date_day
),

summed as (
    select
        agent_id,
        argMax(group_id, starts_at) as group_id,
        toInt64(sum(open_seconds)) as business_seconds,
        toInt64(assumeNotNull(sum(open_seconds) - sum(leave_seconds))) as available_seconds,
        date_day
    from scheduled
    group by agent_id, date_day
    having business_seconds > 0
)

select * from summed
