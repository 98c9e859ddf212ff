-- One row per event and person of whom the app told anything: what they did there, and its score.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'user_key'],
        indexes=[{'name': 'built', 'definition': 'built_at type minmax granularity 1'}],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('(event_id, user_key)', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
),

visits as (
    select * from {{ ref('fct_visits') }}
),

session_attendances as (
    select * from {{ ref('fct_session_attendances') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

weights as (
    select * from {{ ref('engagement_weights') }}
),

newly_built as (
    select event_id
    from app_events
    where {{ built_since_last_build('built_at') }}
    union distinct
    select event_id
    from visits
    where {{ built_since_last_build('built_at') }}
    union distinct
    select event_id
    from session_attendances
    where {{ built_since_last_build('built_at') }}
),

-- Worked out once, as an array: a CTE is worked out wherever it is named.
touched as (
    select arrayJoin((select groupUniqArray(event_id) from newly_built)) as event_id
),

used as (
    select
        event_id,
        user_key,
        countIf(type = 'view') as views_count,
        countIf(type = 'poll_answer') as poll_answers_count,
        countIf(type = 'question') as questions_count,
        countIf(type = 'rating') as ratings_count
    from app_events
    where event_id in (select event_id from touched)
    group by event_id, user_key
),

stayed as (
    select
        event_id,
        user_key,
        sum(dwell_seconds) as dwell_seconds,
        max(is_exit_imputed) as has_imputed_exit,
        min(entered_at) as first_entered_at
    from visits
    where event_id in (select event_id from touched)
    group by event_id, user_key
),

joined_sessions as (
    select
        event_id,
        user_key,
        countIf(joins_count > 0) as sessions_count,
        sum(attended_seconds) as attended_seconds
    from session_attendances
    where event_id in (select event_id from touched)
    group by event_id, user_key
),

-- Of the versions that applied when the event began, the last.
weighed_events as (
    select
        events.event_id as event_id,
        {{ seconds_between('events.starts_at', 'events.ends_at') }} as scheduled_seconds,
        argMax(
            tuple(
                weights.weight_version,
                weights.sessions_weight,
                weights.sessions_full_count,
                weights.dwell_weight,
                weights.dwell_full_ratio,
                weights.interactions_weight,
                weights.interactions_full_count,
                weights.rating_weight
            ),
            weights.applies_from
        ) as weight
    from events
    cross join weights
    where weights.applies_from <= coalesce(toDate(events.starts_at), today())
    group by event_id, scheduled_seconds
),

took_part as (
    select
        used.event_id as event_id,
        used.user_key as user_key,
        used.views_count as views_count,
        used.poll_answers_count as poll_answers_count,
        used.questions_count as questions_count,
        used.ratings_count as ratings_count,
        coalesce(joined_sessions.sessions_count, 0) as sessions_count,
        joined_sessions.attended_seconds as attended_seconds,
        stayed.dwell_seconds as dwell_seconds,
        coalesce(stayed.has_imputed_exit, false) as has_imputed_exit,
        stayed.first_entered_at is not null as is_attendee,
        stayed.first_entered_at as first_entered_at,
        weighed_events.weight.1 as weight_version,
        -- No length is known of some events: staying counts nothing there.
        coalesce(stayed.dwell_seconds / nullIf(weighed_events.scheduled_seconds, 0), 0)
            as dwell_ratio,
        weighed_events.weight.2 * least(1, sessions_count / weighed_events.weight.3)
        + weighed_events.weight.4 * least(1, dwell_ratio / weighed_events.weight.5)
        + weighed_events.weight.6
        * least(1, (used.poll_answers_count + used.questions_count) / weighed_events.weight.7)
        + weighed_events.weight.8 * (used.ratings_count > 0) as score
    from used
    left join stayed on used.event_id = stayed.event_id and used.user_key = stayed.user_key
    left join joined_sessions
        on used.event_id = joined_sessions.event_id and used.user_key = joined_sessions.user_key
    left join weighed_events on used.event_id = weighed_events.event_id
),

described as (
    select
        event_id,
        user_key,
        toLowCardinality(
            multiIf(score >= {{ var('engaged_score') }}, 'engaged', score > 0, 'active', 'inactive')
        ) as tier,
        weight_version,
        toUInt32(views_count) as views_count,
        toUInt32(poll_answers_count) as poll_answers_count,
        toUInt32(questions_count) as questions_count,
        toUInt32(ratings_count) as ratings_count,
        toUInt32(sessions_count) as sessions_count,
        attended_seconds,
        dwell_seconds,
        round(score, 2) as engagement_score,
        toBool(is_attendee) as is_attendee,
        toBool(has_imputed_exit) as has_imputed_exit,
        first_entered_at,
        {{ built_at() }} as built_at
    from took_part
)

select * from described
