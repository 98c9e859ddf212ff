-- One row per event that anybody came to: who came, when and for how long, and who did not.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by='event_id',
        ttl='toDateTime(last_told_at) + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook="{{ refuse_event_loss(ref('fct_visits'), 'count()', 'visits_count') }}",
    )
}}

with visits as (
    select * from {{ ref('fct_visits') }}
),

registrations as (
    select * from {{ ref('fct_registrations') }}
),

engagements as (
    select * from {{ ref('fct_user_engagements') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

touched_events as (
    {{ whole_events(
        ref('fct_visits'), 'count()', 'visits_count',
        [ref('fct_visits'), ref('fct_registrations'), ref('fct_user_engagements')]
    ) }}
),

minutes as (
    select * from {{ ref('fct_event_occupancy_minutes') }}
    where event_id in (select event_id from touched_events)
),

registered as (
    select
        event_id,
        countIf(is_expected) as expected_count,
        countIf(is_expected and is_checked_in) as expected_checked_in_count,
        countIf(is_no_show) as no_show_count
    from registrations
    where event_id in (select event_id from touched_events)
    group by event_id
),

people as (
    select
        visits.event_id as event_id,
        visits.user_key as user_key,
        count() as visits_count,
        countIf(visits.is_exit_imputed) as imputed_exits_count,
        -- Who showed a ticket on any visit is no walk-up.
        min(visits.is_walk_up) as is_walk_up,
        max(visits.is_exit_imputed) as has_imputed_exit,
        -- Null while one of the visits is under way.
        if(count() = count(visits.dwell_seconds), sum(visits.dwell_seconds), null) as dwell_seconds,
        min(visits.entered_at) as first_entered_at,
        max(
            greatest(visits.entered_at, coalesce(visits.left_at, visits.entered_at))
        ) as last_told_at
    from visits
    where visits.event_id in (select event_id from touched_events)
    group by event_id, user_key
),

attended as (
    select
        people.event_id as event_id,
        count() as attendance_count,
        countIf(people.is_walk_up) as walk_ups_count,
        sum(people.visits_count) as visits_count,
        sum(people.imputed_exits_count) as imputed_exits_count,
        countIf(people.first_entered_at > events.starts_at) as late_arrivals_count,
        medianExactOrNull(people.dwell_seconds) as dwell_seconds_median,
        medianExactOrNullIf(people.dwell_seconds, not people.has_imputed_exit)
            as observed_dwell_seconds_median,
        min(people.first_entered_at) as first_entered_at,
        max(people.last_told_at) as last_told_at
    from people
    left join events on people.event_id = events.event_id
    group by event_id
),

peaks as (
    select
        event_id,
        max(inside_count) as peak_inside_count,
        -- The first minute of so many.
        argMax(date_minute, (inside_count, -toInt64(toUnixTimestamp(date_minute)))) as peak_at
    from minutes
    group by event_id
),

-- The first minute after the peak at whose end no more than the given part of the peak is inside.
cleared as (
    select
        minutes.event_id as event_id,
        min(minutes.date_minute) as cleared_at
    from minutes
    inner join peaks on minutes.event_id = peaks.event_id
    where
        minutes.date_minute > peaks.peak_at
        and minutes.inside_count <= {{ var('cleared_ratio') }} * peaks.peak_inside_count
    group by event_id
),

windows as (
    select
        event_id,
        date_minute,
        sum(visits_count) over (
            partition by event_id
            order by toUnixTimestamp(date_minute)
            range between current row and 899 following
        ) as quarter_entries_count
    from minutes
),

quarters as (
    select
        event_id,
        max(quarter_entries_count) as busiest_quarter_entries_count,
        argMax(date_minute, (quarter_entries_count, -toInt64(toUnixTimestamp(date_minute))))
            as busiest_quarter_at
    from windows
    group by event_id
),

engaged as (
    select
        event_id,
        max(weight_version) as engagement_weight_version,
        avg(engagement_score) as engagement_score_mean,
        countIf(tier = 'engaged') as engaged_count
    from engagements
    where is_attendee and event_id in (select event_id from touched_events)
    group by event_id
),

described as (
    select
        attended.event_id as event_id,
        engaged.engagement_weight_version as engagement_weight_version,
        coalesce(registered.expected_count, 0) as expected_count,
        coalesce(registered.expected_checked_in_count, 0) as expected_checked_in_count,
        coalesce(registered.no_show_count, 0) as no_show_count,
        attended.attendance_count as attendance_count,
        attended.walk_ups_count as walk_ups_count,
        attended.late_arrivals_count as late_arrivals_count,
        attended.visits_count as visits_count,
        attended.imputed_exits_count as imputed_exits_count,
        peaks.peak_inside_count as peak_inside_count,
        quarters.busiest_quarter_entries_count as busiest_quarter_entries_count,
        coalesce(engaged.engaged_count, 0) as engaged_count,
        attended.dwell_seconds_median as dwell_seconds_median,
        attended.observed_dwell_seconds_median as observed_dwell_seconds_median,
        {{ seconds_between('peaks.peak_at', 'cleared.cleared_at') }} as peak_clear_seconds,
        registered.no_show_count / nullIf(registered.expected_count, 0) as no_show_ratio,
        attended.imputed_exits_count / attended.visits_count as imputed_ratio,
        peaks.peak_inside_count / nullIf(events.capacity, 0) as utilisation_ratio,
        engaged.engagement_score_mean as engagement_score_mean,
        attended.first_entered_at as first_entered_at,
        peaks.peak_at as peak_at,
        quarters.busiest_quarter_at as busiest_quarter_at,
        cleared.cleared_at as cleared_at,
        attended.last_told_at as last_told_at,
        {{ built_at() }} as built_at
    from attended
    left join registered on attended.event_id = registered.event_id
    left join peaks on attended.event_id = peaks.event_id
    left join cleared on attended.event_id = cleared.event_id
    left join quarters on attended.event_id = quarters.event_id
    left join engaged on attended.event_id = engaged.event_id
    left join events on attended.event_id = events.event_id
)

select * from described
