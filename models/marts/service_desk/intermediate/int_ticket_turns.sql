-- One row per ticket and turn of its requester: when it was asked, and the public reply of an agent
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

touched as (
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

events as (
    select
        conversations.ticket_id as ticket_id,
        asked_for.is_read as is_read,
        conversations.author_id as author_id,
        conversations.created_at as said_at,
        multiIf(
            conversations.is_private, 'none',
            conversations.is_incoming, 'ask',
            conversations.author_id in (select agent_id from agents)
            and conversations.author_id != asked_for.requester_id, 'reply',
            'none'
        ) as kind,
        false as is_by_stats
    from conversations
    inner join asked_for on conversations.ticket_id = asked_for.ticket_id
    where
        conversations.ticket_id in (select ticket_id from touched)
        and conversations.created_at >= asked_for.created_at
        and asked_for.is_read
        and has(asked_for.record_ids, conversations.conversation_id)
    union all
    select
        ticket_id,
        is_read,
        toInt64(0) as author_id,
        assumeNotNull(event.1) as said_at,
        event.2 as kind,
        event.3 as is_by_stats
    from asked_for
    array join
        [(toNullable(created_at), 'ask', false), (stats_responded_at, 'reply', true)] as event
    where event.1 >= created_at
),

-- A first reply that only the statistics tell of was deleted since, refused at the door, or is not
-- read yet. They are not believed where what was said in that second is no reply at all.
moments as (
    select
        ticket_id,
        said_at,
        any(is_read) as is_read,
        maxIf(author_id, kind = 'reply') as author_id,
        countIf(kind = 'ask') > 0 as is_ask,
        countIf(kind = 'reply' and not is_by_stats) > 0
        or (countIf(is_by_stats) > 0 and countIf(kind = 'none') = 0) as is_reply
    from events
    group by ticket_id, said_at
),

-- Several questions before an answer are one, and so are several answers.
followed as (
    select
        *,
        kind,
        lagInFrame(kind) over (
            partition by ticket_id order by said_at, kind
            rows between 1 preceding and current row
        ) as kind_before
    from moments
    array join arrayConcat(if(is_ask, ['ask'], []), if(is_reply, ['reply'], [])) as kind
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
        any(is_read) as is_read,
        any(kind) as kind,
        min(said_at) as begins_at,
        argMin(author_id, said_at) as author_id,
        count() as messages_count
    from numbered
    group by ticket_id, run_number
),

paired as (
    select
        ticket_id,
        is_read,
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
        agent_id,
        toUInt32(replies_count) as replies_count,
        toBool(is_read) as is_history_read,
        asked_at,
        replied_at,
        {{ built_at() }} as _built_at
    from paired
    where kind = 'ask'
)

select * from turns
