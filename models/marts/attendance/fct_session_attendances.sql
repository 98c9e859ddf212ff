-- One row per session and person who joined or left it. A stay that nobody ended lasts until they
-- joined another session, left the event or the session was over, whichever was first.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'session_id', 'user_key'],
        partition_by='toYYYYMM(last_told_at)',
        indexes=[{'name': 'built', 'definition': 'built_at type minmax granularity 1'}],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('event_id', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
    where type in ('session_join', 'session_leave') and session_id is not null
),

visits as (
    select * from {{ ref('fct_visits') }}
),

session_messages as (
    select * from {{ ref('stg_event_management__sessions') }}
),

sessions as (
    select * from {{ ref('dim_sessions') }}
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
    from session_messages
    where {{ built_since_last_build() }}
    {%- if is_incremental() %}
    union distinct
    -- Over since: who is still there can be said to have left.
    select event_id
    from {{ this }}
    where
        is_running
        and session_id in (
            select session_id
            from sessions
            where ends_at <= {{ attendance_as_of() }}
        )
    {%- endif %}
),

-- Worked out once, as an array: a CTE is worked out wherever it is named.
touched as (
    select arrayJoin((select groupUniqArray(event_id) from newly_built)) as event_id
),

stays as (
    select
        event_id,
        user_key,
        entered_at,
        left_at
    from visits
    where event_id in (select event_id from touched)
),

followed as (
    select
        event_id,
        assumeNotNull(session_id) as session_id,
        user_key,
        type,
        occurred_at,
        (occurred_at, received_at, seq, message_id) as message_order,
        lagInFrame(toString(type), 1, '') over (
            partition by event_id, session_id, user_key
            order by occurred_at, received_at, seq, message_id
            rows between 1 preceding and current row
        ) as previous_type,
        type = 'session_join' and previous_type != 'session_join' as is_join,
        type = 'session_leave' and previous_type = 'session_join' as is_leave
    from app_events
    where event_id in (select event_id from touched)
),

numbered as (
    select
        *,
        sum(is_join) over (
            partition by event_id, session_id, user_key
            order by message_order
            rows between unbounded preceding and current row
        ) as stint_number
    from followed
),

stints as (
    select
        event_id,
        session_id,
        user_key,
        stint_number,
        minOrNullIf(occurred_at, is_join) as joined_at,
        maxOrNullIf(occurred_at, is_leave) as left_at,
        countIf(type = 'session_leave' and not is_leave) as stray_leaves_count,
        max(occurred_at) as last_told_at
    from numbered
    group by event_id, session_id, user_key, stint_number
),

followed_by_others as (
    select
        *,
        leadInFrame(joined_at, 1, null) over (
            partition by event_id, user_key, joined_at is null
            order by joined_at, session_id
            rows between current row and 1 following
        ) as next_joined_at
    from stints
),

bounded as (
    select
        stints.event_id as event_id,
        stints.session_id as session_id,
        stints.user_key as user_key,
        stints.stint_number as stint_number,
        stints.joined_at as joined_at,
        stints.stray_leaves_count as stray_leaves_count,
        stints.last_told_at as last_told_at,
        stays.left_at as visit_left_at,
        if(sessions.ends_at <= {{ attendance_as_of() }}, sessions.ends_at, null) as session_over_at,
        arraySort(
            arrayFilter(
                bound -> coalesce(bound.1 > stints.joined_at, false),
                [
                    (stints.next_joined_at, 'next_join'),
                    (visit_left_at, 'visit_exit'),
                    (session_over_at, 'session_end')
                ]
            )
        ) as bounds,
        multiIf(
            stints.left_at is not null, (stints.left_at, 'leave'),
            notEmpty(bounds), bounds[1],
            stints.joined_at is null, (null, 'leave_alone'),
            sessions.ends_at > stints.joined_at, (null, 'running'),
            (null, 'unknown')
        ) as ending
    from followed_by_others as stints
    asof left join stays
        on
            stints.event_id = stays.event_id
            and stints.user_key = stays.user_key
            and stints.joined_at >= stays.entered_at
    left join sessions on stints.session_id = sessions.session_id
),

folded as (
    select
        event_id,
        session_id,
        user_key,
        -- The last stint is the one that says how it ended; one without a joining sorts before it.
        argMax(ending.2, (joined_at is not null, stint_number)) as ended_by,
        countIf(joined_at is not null) as joins_count,
        sum(stray_leaves_count) as stray_leaves_total,
        sumOrNull({{ seconds_between('joined_at', 'ending.1') }}) as attended_seconds,
        min(joined_at) as first_joined_at,
        argMax(tuple(ending.1), (joined_at is not null, stint_number)).1 as left_at,
        max(last_told_at) as latest_told_at
    from bounded
    group by event_id, session_id, user_key
),

described as (
    select
        event_id,
        session_id,
        user_key,
        toLowCardinality(ended_by) as left_by,
        toUInt16(joins_count) as joins_count,
        toUInt16(stray_leaves_total) as stray_leaves_count,
        attended_seconds,
        toBool(ended_by in ('next_join', 'visit_exit', 'session_end')) as is_leave_imputed,
        toBool(ended_by = 'running') as is_running,
        first_joined_at as joined_at,
        left_at,
        latest_told_at as last_told_at,
        {{ built_at() }} as built_at
    from folded
)

select * from described
