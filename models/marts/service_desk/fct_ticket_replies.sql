-- One row per ticket and turn of its requester: what was asked, and the public reply of an agent
-- that came next. Turn 1 is the ticket itself. Kept up to date.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'turn_number'],
    )
}}

with tickets as (
    select * from {{ ref('int_tickets_folded') }}
),

conversations as (
    select * from {{ ref('stg_freshservice__conversations') }}
),

sweeps as (
    select *
    from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'conversations' and parent_type = 'ticket'
),

agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

segments as (
    select * from {{ ref('fct_ticket_status_segments') }}
),

group_calendars as (
    select * from {{ ref('int_group_calendars') }}
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

touched as (
    select ticket_id
    from segments
    where {{ built_since_last_build('built_at') }}
    union distinct
    select ticket_id
    from tickets
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from conversations
    where
        {{ built_since_last_build() }}
        or author_id in (
            select agent_id
            from agents
            where {{ built_since_last_build() }}
        )
    union distinct
    select parent_id as ticket_id
    from sweeps
    where {{ built_since_last_build() }}
),

-- Only the conversations that were read for the latest version are all there are.
asked_for as (
    select
        tickets.ticket_id as ticket_id,
        tickets.requester_id as requester_id,
        tickets.created_at as created_at,
        tickets.first_responded_at as stats_responded_at,
        coalesce(sweeps.parent_at >= tickets.updated_at, false) as is_read,
        sweeps.record_ids as record_ids
    from tickets
    left join sweeps on tickets.ticket_id = sweeps.parent_id
    where tickets.ticket_id in (select ticket_id from touched)
),

listed as (
    select
        ticket_id,
        conversation_id
    from asked_for
    array join record_ids as conversation_id
    where is_read
),

said as (
    select
        conversations.ticket_id as ticket_id,
        conversations.author_id as author_id,
        conversations.created_at as said_at,
        multiIf(
            conversations.is_private, 'none',
            conversations.is_incoming, 'ask',
            conversations.author_id in (select agent_id from agents)
            and conversations.author_id != asked_for.requester_id, 'reply',
            'none'
        ) as kind
    from conversations
    inner join asked_for on conversations.ticket_id = asked_for.ticket_id
    where
        conversations.created_at >= asked_for.created_at
        and (conversations.ticket_id, conversations.conversation_id) in (
            select
                ticket_id,
                conversation_id
            from listed
        )
),

-- A first reply that only the statistics tell of was deleted since, refused at the door, or is not
-- read yet. They are not believed where what was said in that second is no reply at all.
moments as (
    select
        ticket_id,
        said_at,
        countIf(kind = 'none') > 0 and countIf(kind = 'reply') = 0 as is_no_reply
    from said
    group by ticket_id, said_at
),

told_by_stats as (
    select
        asked_for.ticket_id as ticket_id,
        toInt64(0) as author_id,
        assumeNotNull(asked_for.stats_responded_at) as said_at,
        'reply' as kind
    from asked_for
    left join moments
        on
            asked_for.ticket_id = moments.ticket_id
            and asked_for.stats_responded_at = moments.said_at
    where
        asked_for.stats_responded_at >= asked_for.created_at
        and coalesce(not moments.is_no_reply, true)
),

events as (
    select
        ticket_id,
        author_id,
        said_at,
        kind
    from said
    where kind != 'none'
    union all
    select * from told_by_stats
    union all
    select
        ticket_id,
        toInt64(0) as author_id,
        created_at as said_at,
        'ask' as kind
    from asked_for
),

-- Several questions before an answer are one, and so are several answers.
followed as (
    select
        *,
        lagInFrame(kind) over (
            partition by ticket_id order by said_at, kind
            rows between 1 preceding and current row
        ) as kind_before
    from events
),

numbered as (
    select
        *,
        sum(kind != kind_before) over (
            partition by ticket_id order by said_at, kind
            rows between unbounded preceding and current row
        ) as run_number
    from followed
),

runs as (
    select
        ticket_id,
        run_number,
        any(kind) as kind,
        min(said_at) as begins_at,
        argMin(author_id, (said_at, -author_id)) as author_id,
        uniqExact(said_at) as messages_count
    from numbered
    group by ticket_id, run_number
),

paired as (
    select
        ticket_id,
        kind,
        begins_at as asked_at,
        leadInFrame(toNullable(begins_at)) over by_time as replied_at,
        leadInFrame(author_id) over by_time as agent_id,
        leadInFrame(messages_count) over by_time as replies_count
    from runs
    window by_time as (
        partition by ticket_id order by run_number rows between current row and 1 following
    )
),

turns as (
    select
        ticket_id,
        toUInt32(row_number() over (partition by ticket_id order by asked_at)) as turn_number,
        asked_at,
        replied_at,
        agent_id,
        replies_count
    from paired
    where kind = 'ask'
),

spells as (
    select
        *,
        last_value(group_id) over in_ticket as last_group_id,
        max(if(is_done, 0, segment_number)) over in_ticket as last_open_number
    from segments
    where ticket_id in (select ticket_id from touched)
    window in_ticket as (
        partition by ticket_id order by segment_number
        rows between unbounded preceding and unbounded following
    )
),

-- Each turn with the segments that it lies in, and those in which the ticket was done unanswered.
held as (
    select
        turns.ticket_id as ticket_id,
        turns.turn_number as number,
        spells.group_id as group_id,
        spells.last_group_id as last_group_id,
        greatest(spells.starts_at, turns.asked_at) as begins_at,
        least(
            coalesce(spells.ends_at, turns.replied_at), assumeNotNull(turns.replied_at)
        ) as stops_at
    from turns
    inner join spells on turns.ticket_id = spells.ticket_id
    where
        turns.replied_at is not null
        and (
            spells.starts_at < turns.replied_at
            or spells.starts_at <= turns.asked_at
        )
        and coalesce(spells.ends_at > turns.asked_at, true)
),

open_times as (
    {{ open_times('held', 'group_calendars', 'intervals') }}
),

ends as (
    select
        turns.ticket_id as ticket_id,
        turns.turn_number as turn_number,
        argMaxIf(
            spells.group_id,
            spells.segment_number,
            coalesce(spells.starts_at <= turns.replied_at, true)
        ) as group_id,
        minOrNullIf(
            spells.starts_at,
            spells.segment_number > spells.last_open_number
            and spells.starts_at >= turns.asked_at
            and turns.replied_at is null
        ) as finished_at
    from turns
    inner join spells on turns.ticket_id = spells.ticket_id
    group by ticket_id, turn_number
),

described as (
    select
        turns.ticket_id as ticket_id,
        turns.turn_number as turn_number,
        coalesce(ends.group_id, 0) as group_id,
        turns.agent_id as agent_id,
        toUInt32(turns.replies_count) as replies_count,
        {{ seconds_between('turns.asked_at', 'turns.replied_at') }} as reply_seconds,
        open_times.holder_seconds as reply_business_seconds,
        open_times.last_seconds as reply_last_calendar_seconds,
        toBool(asked_for.is_read) as is_history_read,
        turns.asked_at as asked_at,
        turns.replied_at as replied_at,
        ends.finished_at as finished_at,
        {{ built_at() }} as built_at
    from turns
    inner join asked_for on turns.ticket_id = asked_for.ticket_id
    left join ends
        on turns.ticket_id = ends.ticket_id and turns.turn_number = ends.turn_number
    left join open_times
        on turns.ticket_id = open_times.ticket_id and turns.turn_number = open_times.number
)

select * from described
