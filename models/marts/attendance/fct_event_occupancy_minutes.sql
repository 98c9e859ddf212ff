-- One row per event and minute with somebody inside at its end, or who came or went in it.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'date_minute'],
        partition_by='toYYYYMM(date_minute)',
        ttl='date_minute + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook="{{ refuse_event_loss(ref('fct_visits'), 'count()', 'visits_count') }}",
    )
}}

with touched_events as (
    {{ whole_events(ref('fct_visits'), 'count()', 'visits_count', [ref('fct_visits')]) }}
),

visits as (
    select * from {{ ref('fct_visits') }}
    where event_id in (select event_id from touched_events)
),

events as (
    select * from {{ ref('dim_events') }}
),

crossings as (
    select
        event_id,
        toStartOfMinute(assumeNotNull(crossing.1)) as date_minute,
        crossing.2 as step,
        visit_number,
        is_exit_imputed
    from visits
    array join [(entered_at, 1), (left_at, -1)] as crossing
    where crossing.1 is not null
),

counted as (
    select
        event_id,
        date_minute,
        countIf(step = 1) as visits_count,
        countIf(step = 1 and visit_number = 1) as arrivals_count,
        countIf(step = -1) as exits_count,
        countIf(step = -1 and is_exit_imputed) as imputed_exits_count
    from crossings
    group by event_id, date_minute
),

-- Up to the next minute in which anything happens, all stay who are inside.
followed as (
    select
        *,
        sum(toInt64(visits_count) - toInt64(exits_count)) over so_far as inside_count,
        sum(arrivals_count) over so_far as arrived_count,
        sum(arrivals_count) over (partition by event_id) as all_arrivals_count,
        leadInFrame(date_minute, 1, date_minute + 60) over (
            partition by event_id order by date_minute
            rows between current row and 1 following
        ) as next_minute
    from counted
    window so_far as (
        partition by event_id order by date_minute rows between unbounded preceding and current row
    )
),

filled as (
    select
        event_id,
        inside_count,
        arrived_count,
        all_arrivals_count,
        if(seconds_on = 0, followed.visits_count, 0) as visits_count,
        if(seconds_on = 0, followed.arrivals_count, 0) as arrivals_count,
        if(seconds_on = 0, followed.exits_count, 0) as exits_count,
        if(seconds_on = 0, followed.imputed_exits_count, 0) as imputed_exits_count,
        followed.date_minute + seconds_on as date_minute
    from followed
    array join
        range(
            0, if(inside_count > 0, toUInt32(next_minute - followed.date_minute), 60), 60
        ) as seconds_on
),

described as (
    select
        filled.event_id as event_id,
        filled.visits_count as visits_count,
        filled.arrivals_count as arrivals_count,
        filled.exits_count as exits_count,
        filled.imputed_exits_count as imputed_exits_count,
        filled.inside_count as inside_count,
        filled.arrived_count / filled.all_arrivals_count as arrived_ratio,
        intDiv(dateDiff('second', events.doors_open_at, filled.date_minute), 60)
            as minutes_from_doors,
        filled.date_minute as date_minute,
        {{ built_at() }} as built_at
    from filled
    left join events on filled.event_id = events.event_id
)

select * from described
