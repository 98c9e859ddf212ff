-- One row per ticket and unbroken stretch in which nothing of its state changed. Its activities
-- tell it where they were read for its latest version, else all its versions and their stats do.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'state_number'],
    )
}}

with versions as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

activities as (
    select * from {{ ref('int_ticket_activities_coded') }}
),

sweeps as (
    select *
    from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'activities' and parent_type = 'ticket'
),

touched as (
    select ticket_id
    from versions
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from activities
    where {{ built_since_last_build() }}
    union distinct
    select parent_id as ticket_id
    from sweeps
    where {{ built_since_last_build() }}
),

numbered_versions as (
    select
        *,
        row_number() over by_time as version_number,
        lagInFrame(status_id) over by_time as before_status_id,
        lagInFrame(responder_id) over by_time as before_responder_id,
        if(version_number = 1, created_at, lagInFrame(updated_at) over by_time) as before_at
    from versions
    where ticket_id in (select ticket_id from touched)
    window by_time as (
        partition by ticket_id order by updated_at
        rows between unbounded preceding and current row
    )
),

folded as (
    select
        ticket_id,
        argMin(updated_at, version_number) as first_updated_at,
        max(updated_at) as last_updated_at,
        argMax(created_at, version_number) as created_at,
        argMin(
            (status_id, group_id, responder_id, priority_id, status_updated_at, assigned_at),
            version_number
        ) as first_version,
        argMax((group_id, responder_id, priority_id), version_number) as last_version
    from numbered_versions
    group by ticket_id
),

-- What was done after the latest version, while the lists were read, comes with the next one. One
-- request stamps the two, a second apart at most.
told_activities as (
    select activities.*
    from activities
    inner join folded on activities.ticket_id = folded.ticket_id
    where
        activities.ticket_id in (select ticket_id from touched)
        and activities.told_at <= folded.last_updated_at + interval 1 second
),

-- What its activities never speak of is taken to have been so from the beginning.
spoken_of as (
    select
        ticket_id,
        count(group_id) > 0 as is_group_told,
        countIf(notEmpty(responder_ids)) > 0 as is_responder_told,
        maxOrNullIf(told_at, status_id = 4) as resolution_told_at
    from told_activities
    group by ticket_id
),

tickets as (
    select
        folded.ticket_id as ticket_id,
        folded.created_at as created_at,
        folded.first_updated_at as first_updated_at,
        folded.last_updated_at as last_updated_at,
        folded.first_version as first_version,
        folded.last_version as last_version,
        coalesce(sweeps.parent_at >= folded.last_updated_at, false) as is_history_read,
        coalesce(spoken_of.is_group_told, false) as is_group_told,
        coalesce(spoken_of.is_responder_told, false) as is_responder_told,
        spoken_of.resolution_told_at as resolution_told_at
    from folded
    left join sweeps on folded.ticket_id = sweeps.parent_id
    left join spoken_of on folded.ticket_id = spoken_of.ticket_id
),

-- precedence: of what is said of one instant the highest holds.
births as (
    select
        ticket_id,
        created_at as told_at,
        0 as precedence,
        multiIf(
            is_history_read, 'activities',
            first_updated_at = created_at, 'versions',
            'stats'
        ) as history_source,
        multiIf(
            is_history_read or first_version.5 > created_at, 2,
            first_version.1
        ) as status_id,
        multiIf(
            not is_history_read, first_version.2,
            is_group_told, 0,
            last_version.1
        ) as group_id,
        multiIf(
            not is_history_read, if(first_version.6 > created_at, 0, first_version.3),
            is_responder_told, 0,
            last_version.2
        ) as responder_id,
        first_version.4 as priority_id,
        0 as merged_into_id,
        false as is_deleted,
        false as is_spam
    from tickets
),

by_activities as (
    select
        told_activities.ticket_id as ticket_id,
        greatest(told_activities.told_at, tickets.created_at) as told_at,
        4 as precedence,
        'activities' as history_source,
        told_activities.status_id as status_id,
        told_activities.group_id as group_id,
        multiIf(
            empty(told_activities.responder_ids), null,
            has(told_activities.responder_ids, tickets.last_version.2), tickets.last_version.2,
            told_activities.responder_ids[1]
        ) as responder_id,
        told_activities.priority_id as priority_id,
        told_activities.merged_into_id as merged_into_id,
        told_activities.is_deleted as is_deleted,
        told_activities.is_spam as is_spam
    from told_activities
    inner join tickets on told_activities.ticket_id = tickets.ticket_id
    where tickets.is_history_read
),

-- Where the activities were read, only the latest version has a say: in what they left untold.
by_versions as (
    select
        numbered_versions.ticket_id as ticket_id,
        numbered_versions.updated_at as told_at,
        3 as precedence,
        'versions' as history_source,
        numbered_versions.status_id as status_id,
        numbered_versions.group_id as group_id,
        numbered_versions.responder_id as responder_id,
        if(numbered_versions.is_priority_defaulted, null, numbered_versions.priority_id)
            as priority_id,
        null as merged_into_id,
        numbered_versions.is_deleted as is_deleted,
        numbered_versions.is_spam as is_spam
    from numbered_versions
    inner join tickets on numbered_versions.ticket_id = tickets.ticket_id
    where
        not tickets.is_history_read
        or numbered_versions.updated_at = tickets.last_updated_at
),

-- When, to which status and to which agent, as far as the statistics date it.
dated as (
    select
        ticket_id,
        before_at,
        updated_at,
        version_number > 1 and before_status_id in (4, 5) as was_done,
        [
            (
                1,
                if(status_id in (4, 5) and not was_done, resolved_at, null),
                toNullable(toInt64(4)),
                toInt64OrNull('')
            ),
            (
                2,
                if(version_number = 1 or status_id != before_status_id, status_updated_at, null),
                toNullable(toInt64(status_id)),
                toInt64OrNull('')
            ),
            (
                2,
                if(version_number = 1 or responder_id != before_responder_id, assigned_at, null),
                toInt64OrNull(''),
                toNullable(toInt64(responder_id))
            )
        ] as moments
    from numbered_versions
    where
        ticket_id in (
            select ticket_id
            from tickets
            where not is_history_read
        )
),

by_stats as (
    select
        ticket_id,
        assumeNotNull(moment.2) as told_at,
        moment.1 as precedence,
        'stats' as history_source,
        moment.3 as status_id,
        null as group_id,
        moment.4 as responder_id,
        null as priority_id,
        null as merged_into_id,
        null as is_deleted,
        null as is_spam
    from dated
    array join moments as moment
    where moment.2 between before_at and updated_at
),

-- A resolution that the statistics date and no activity tells: its sentence was refused.
by_last_stats as (
    select
        numbered_versions.ticket_id as ticket_id,
        assumeNotNull(numbered_versions.resolved_at) as told_at,
        1 as precedence,
        'stats' as history_source,
        toNullable(toInt64(4)) as status_id,
        null as group_id,
        null as responder_id,
        null as priority_id,
        null as merged_into_id,
        null as is_deleted,
        null as is_spam
    from numbered_versions
    inner join tickets on numbered_versions.ticket_id = tickets.ticket_id
    where
        tickets.is_history_read
        and numbered_versions.updated_at = tickets.last_updated_at
        and numbered_versions.status_id in (4, 5)
        and numbered_versions.resolved_at >= tickets.created_at
        and coalesce(tickets.resolution_told_at < numbered_versions.resolved_at, true)
),

tellings as (
    select * from births
    union all
    select * from by_last_stats
    union all
    select * from by_activities
    union all
    select * from by_versions
    union all
    select * from by_stats
),

instants as (
    select
        ticket_id,
        told_at,
        argMax(history_source, precedence) as history_source,
        argMax(status_id, precedence) as status_id,
        argMax(group_id, precedence) as group_id,
        argMax(responder_id, precedence) as responder_id,
        argMax(priority_id, precedence) as priority_id,
        argMax(merged_into_id, precedence) as merged_into_id,
        argMax(is_deleted, precedence) as is_deleted,
        argMax(is_spam, precedence) as is_spam
    from tellings
    group by ticket_id, told_at
),

-- What an instant says nothing of stays as it was.
filled as (
    select
        ticket_id,
        told_at,
        history_source,
        assumeNotNull(last_value(status_id) ignore nulls over by_time) as status_id,
        assumeNotNull(last_value(group_id) ignore nulls over by_time) as group_id,
        assumeNotNull(last_value(responder_id) ignore nulls over by_time) as responder_id,
        assumeNotNull(last_value(priority_id) ignore nulls over by_time) as priority_id,
        assumeNotNull(last_value(merged_into_id) ignore nulls over by_time) as merged_into_id,
        assumeNotNull(last_value(is_deleted) ignore nulls over by_time) as is_deleted,
        assumeNotNull(last_value(is_spam) ignore nulls over by_time) as is_spam,
        row_number() over by_time as instant_number
    from instants
    window by_time as (
        partition by ticket_id order by told_at
        rows between unbounded preceding and current row
    )
),

compared as (
    select
        *,
        (
            status_id, group_id, responder_id, priority_id, merged_into_id, is_deleted, is_spam
        ) as state,
        lagInFrame(state) over by_time as state_before
    from filled
    window by_time as (
        partition by ticket_id order by told_at
        rows between unbounded preceding and current row
    )
),

states as (
    select
        ticket_id,
        toUInt32(row_number() over by_time) as state_number,
        toUInt16(status_id) as status_id,
        toInt64(group_id) as group_id,
        toInt64(responder_id) as responder_id,
        toUInt8(priority_id) as priority_id,
        toInt64(merged_into_id) as merged_into_id,
        toLowCardinality(history_source) as history_source,
        toBool(is_deleted) as is_deleted,
        toBool(is_spam) as is_spam,
        told_at as starts_at,
        leadInFrame(toNullable(told_at)) over (
            partition by ticket_id order by told_at
            rows between unbounded preceding and unbounded following
        ) as ends_at,
        {{ built_at() }} as _built_at
    from compared
    where instant_number = 1 or state != state_before
    window by_time as (
        partition by ticket_id order by told_at
        rows between unbounded preceding and current row
    )
)

select * from states
