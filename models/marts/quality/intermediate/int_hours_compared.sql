-- One row per series and whole hour of its last day: what was counted in it, and how far that is
-- from the same hour and weekday of the weeks before. Made anew by each build.
{{ config(order_by=['source', 'field', 'hour_at']) }}

{%- set min_weeks = var('anomaly_min_weeks') %}

with tickets as (
    select * from {{ ref('rollup_tickets_hourly') }}
),

platform_hours as (
    select * from {{ ref('fct_platform_hours') }}
),

hours as (
    select
        'freshservice' as source,
        'tickets created' as field,
        date_hour as hour_at,
        sum(created_count) as counted
    from tickets
    group by hour_at
    union all
    select
        'freshservice' as source,
        'tickets resolved' as field,
        date_hour as hour_at,
        sum(resolved_count) as counted
    from tickets
    group by hour_at
    union all
    select
        'integrated_platform' as source,
        'visitors' as field,
        hour_at,
        sum(visitors_count) as counted
    from platform_hours
    group by hour_at
),

spans as (
    select
        source,
        field,
        min(hour_at) as first_hour,
        max(hour_at) as last_hour
    from hours
    group by source, field
),

-- The last hour may still be going on; an hour in which nothing happened has no row.
slots as (
    select
        source,
        field,
        arrayJoin(range(1, 25)) as back,
        arrayJoin(range(0, {{ var('anomaly_weeks') }} + 1)) as week,
        last_hour - toIntervalHour(back + 168 * week) as slot
    from spans
    where slot >= first_hour
),

filled as (
    select
        slots.source as source,
        slots.field as field,
        slots.back as back,
        slots.week as week,
        slots.slot as slot,
        coalesce(hours.counted, 0) as counted
    from slots
    left join hours
        on
            slots.source = hours.source
            and slots.field = hours.field
            and slots.slot = hours.hour_at
),

compared as (
    select
        source,
        field,
        max(slot) as hour_at,
        toUInt64(anyIf(counted, week = 0)) as hour_count,
        toUInt16(countIf(week > 0)) as weeks_count,
        if(weeks_count < {{ min_weeks }}, null, avgIf(counted, week > 0)) as usual_count,
        -- Counts scatter by the root of their mean at least, also where few weeks happened not to.
        abs(hour_count - usual_count)
        / greatest(1, sqrt(usual_count), stddevSampIf(counted, week > 0)) as sigmas
    from filled
    group by source, field, back
)

select * from compared
