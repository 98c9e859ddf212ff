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

-- A telling is its time, precedence, source, status, group, agent, priority, ticket merged into,
-- deleted and spam; null is what it says nothing of. Statistics date a resolution, a status and an
-- agent.
folded as (
    select
        ticket_id,
        argMax(created_at, version_number) as created_at,
        argMin(
            (
                updated_at, status_id, group_id, responder_id, priority_id, status_updated_at,
                assigned_at
            ),
            version_number
        ) as first_version,
        argMax((updated_at, status_id, group_id, responder_id, resolved_at), version_number)
            as last_version,
        groupArray(
            (
                updated_at, 3, 'versions', status_id, group_id, responder_id,
                if(is_priority_defaulted, null, priority_id), null, is_deleted, is_spam
            )
        ) as by_versions,
        groupArrayArray(
            arrayFilter(
                telling -> telling.1 between before_at and updated_at,
                [
                    (
                        if(
                            status_id in (4, 5)
                            and not (version_number > 1 and before_status_id in (4, 5)),
                            resolved_at,
                            null
                        ),
                        1, 'stats', 4, null, null, null, null, null, null
                    ),
                    (
                        if(
                            version_number = 1 or status_id != before_status_id,
                            status_updated_at,
                            null
                        ),
                        2, 'stats', status_id, null, null, null, null, null, null
                    ),
                    (
                        if(
                            version_number = 1 or responder_id != before_responder_id,
                            assigned_at,
                            null
                        ),
                        2, 'stats', null, null, responder_id, null, null, null, null
                    )
                ]
            )
        ) as by_stats
    from numbered_versions
    group by ticket_id
),

sentences as (
    select
        ticket_id,
        groupArray(
            (
                told_at, status_id, group_id, responder_ids, priority_id, merged_into_id,
                is_deleted, is_spam
            )
        ) as sentences
    from activities
    where ticket_id in (select ticket_id from touched)
    group by ticket_id
),

-- What was done after the latest version, while the lists were read, comes with the next one. One
-- request stamps the two, a second apart at most.
tickets as (
    select
        folded.ticket_id as ticket_id,
        folded.* except (ticket_id),
        coalesce(sweeps.parent_at >= last_version.1, false) as is_history_read,
        arrayFilter(
            sentence -> is_history_read and sentence.1 <= last_version.1 + interval 1 second,
            sentences.sentences
        ) as told
    from folded
    left join sentences on folded.ticket_id = sentences.ticket_id
    left join sweeps on folded.ticket_id = sweeps.parent_id
),

-- Of what is told of one instant the highest precedence holds.
tellings as (
    select
        ticket_id,
        assumeNotNull(telling.1) as told_at,
        telling.2 as precedence,
        telling.3 as history_source,
        telling.4 as status_id,
        telling.5 as group_id,
        telling.6 as responder_id,
        telling.7 as priority_id,
        telling.8 as merged_into_id,
        telling.9 as is_deleted,
        telling.10 as is_spam
    from tickets
    array join
        arrayConcat(
            -- What its activities never speak of is taken to have been so from the beginning.
            [
                (
                    created_at,
                    0,
                    multiIf(
                        is_history_read, 'activities',
                        first_version.1 = created_at, 'versions',
                        'stats'
                    ),
                    if(is_history_read or first_version.6 > created_at, 2, first_version.2),
                    multiIf(
                        not is_history_read, first_version.3,
                        arrayExists(sentence -> sentence.3 is not null, told), 0,
                        last_version.3
                    ),
                    multiIf(
                        not is_history_read,
                        if(first_version.7 > created_at, 0, first_version.4),
                        arrayExists(sentence -> notEmpty(sentence.4), told), 0,
                        last_version.4
                    ),
                    first_version.5,
                    0,
                    false,
                    false
                )
            ],
            arrayMap(
                sentence -> (
                    greatest(sentence.1, created_at),
                    4,
                    'activities',
                    sentence.2,
                    sentence.3,
                    -- Of two agents of one name the ticket knows which.
                    multiIf(
                        empty(sentence.4), null,
                        has(sentence.4, last_version.4), last_version.4,
                        sentence.4[1]
                    ),
                    sentence.5,
                    sentence.6,
                    sentence.7,
                    sentence.8
                ),
                told
            ),
            -- Where the activities were read, only the latest version has a say, in what they left
            -- untold.
            arrayFilter(telling -> not is_history_read or telling.1 = last_version.1, by_versions),
            arrayFilter(telling -> not is_history_read, by_stats),
            -- A resolution that the statistics date and no activity tells: its sentence was
            -- refused.
            arrayFilter(
                telling -> is_history_read
                and last_version.2 in (4, 5)
                and telling.1 >= created_at
                and not arrayExists(
                    sentence -> sentence.2 = 4 and sentence.1 >= telling.1, told
                ),
                [(last_version.5, 1, 'stats', 4, null, null, null, null, null, null)]
            )
        ) as telling
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
