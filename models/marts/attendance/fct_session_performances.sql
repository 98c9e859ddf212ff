-- One row per session that anybody joined or left: how full it was, and what they thought of it.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'session_id'],
        ttl='toDateTime(first_told_at) + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook="{{ refuse_event_loss(ref('fct_session_attendances'), 'count()', 'told_count') }}",
    )
}}

with touched_events as (
    {{ whole_events(
        ref('fct_session_attendances'), 'count()', 'told_count',
        [ref('fct_session_attendances'), ref('fct_app_events')]
    ) }}
),

session_attendances as (
    select * from {{ ref('fct_session_attendances') }}
    where event_id in (select event_id from touched_events)
),

app_events as (
    select * from {{ ref('fct_app_events') }}
    where event_id in (select event_id from touched_events)
),

sessions as (
    select * from {{ ref('dim_sessions') }}
),

attended as (
    select
        event_id,
        session_id,
        count() as told_count,
        countIf(joined_at is not null) as attendees_count,
        countIf(is_leave_imputed) as imputed_leaves_count,
        medianExactOrNull(attended_seconds) as attended_seconds_median,
        medianExactOrNullIf(attended_seconds, not is_leave_imputed)
            as observed_attended_seconds_median,
        min(coalesce(joined_at, last_told_at)) as first_told_at
    from session_attendances
    group by event_id, session_id
),

-- Joinings less leavings; of one instant the leavings come first.
moves as (
    select
        event_id,
        session_id,
        sum(move.2) over (
            partition by event_id, session_id
            order by move.1, move.2
            rows between unbounded preceding and current row
        ) as present_count
    from session_attendances
    array join [(joined_at, 1), (left_at, -1)] as move
    where joined_at is not null and move.1 is not null
),

peaks as (
    select
        event_id,
        session_id,
        max(present_count) as peak_present_count
    from moves
    group by event_id, session_id
),

stays as (
    select
        event_id,
        user_key,
        session_id,
        assumeNotNull(joined_at) as joined_at,
        left_at,
        is_running
    from session_attendances
    where joined_at is not null
),

-- What names no session was said in the one that they had joined last, if they were still in it.
linked as (
    select
        spoken.event_id as event_id,
        spoken.type as type,
        spoken.score as score,
        spoken.session_id is null as is_linked_by_time,
        coalesce(
            spoken.session_id,
            if(stays.is_running or spoken.occurred_at < stays.left_at, stays.session_id, null)
        ) as session_id
    from (
        select * from app_events
        where type in ('question', 'poll_answer', 'rating')
    ) as spoken
    asof left join stays
        on
            spoken.event_id = stays.event_id
            and spoken.user_key = stays.user_key
            and spoken.occurred_at >= stays.joined_at
),

said as (
    select
        event_id,
        session_id,
        countIf(type = 'question') as questions_count,
        countIf(type = 'poll_answer') as poll_answers_count,
        countIf(type = 'rating' and score is not null) as ratings_count,
        sumIf(coalesce(score, 0), type = 'rating') as ratings_total,
        countIf(is_linked_by_time) as linked_by_time_count
    from linked
    where session_id is not null
    group by event_id, session_id
),

described as (
    select
        attended.event_id as event_id,
        attended.session_id as session_id,
        attended.told_count as told_count,
        attended.attendees_count as attendees_count,
        attended.imputed_leaves_count as imputed_leaves_count,
        coalesce(peaks.peak_present_count, 0) as peak_present_count,
        coalesce(said.questions_count, 0) as questions_count,
        coalesce(said.poll_answers_count, 0) as poll_answers_count,
        coalesce(said.ratings_count, 0) as ratings_count,
        said.ratings_total / nullIf(said.ratings_count, 0) as rating_mean,
        coalesce(said.linked_by_time_count, 0) as linked_by_time_count,
        attended.attended_seconds_median as attended_seconds_median,
        attended.observed_attended_seconds_median as observed_attended_seconds_median,
        peaks.peak_present_count / nullIf(sessions.capacity, 0) as utilisation_ratio,
        attended.first_told_at as first_told_at,
        {{ built_at() }} as built_at
    from attended
    left join peaks
        on attended.event_id = peaks.event_id and attended.session_id = peaks.session_id
    left join said on attended.event_id = said.event_id and attended.session_id = said.session_id
    left join sessions on attended.session_id = sessions.session_id
)

select * from described
