-- One row per ticket: what agents did with it, as tuples of who, for which group, what and when.
{{
    config(
        unique_key='ticket_id',
        order_by='ticket_id',
        materialized='incremental',
    )
}}

with backlogged as (
    select * from {{ ref('int_tickets_backlogged') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

conversations as (
    select * from {{ ref('stg_freshservice__conversations') }}
),

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'conversations'
),

agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

touched as (
    select ticket_id
    from backlogged
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from conversations
    where {{ built_since_last_build() }}
    union distinct
    select parent_id as ticket_id
    from sweeps
    where {{ built_since_last_build() }}
),

touched_sweeps as (
    select * from sweeps
    where parent_id in (select ticket_id from touched)
),

-- By agents alone: what an automation writes is signed by nobody of them.
said as (
    select
        conversations.ticket_id as ticket_id,
        arraySort(
            groupArray(
                (conversations.created_at, conversations.author_id, conversations.is_private)
            )
        ) as words
    from conversations
    left join touched_sweeps on conversations.ticket_id = touched_sweeps.parent_id
    where
        conversations.ticket_id in (select ticket_id from touched)
        and not conversations.is_incoming
        and conversations.author_id in (select agent_id from agents)
        and coalesce(
            has(touched_sweeps.record_ids, conversations.conversation_id)
            or touched_sweeps.read_at < conversations.updated_at,
            true
        )
    group by ticket_id
),

told as (
    select
        backlogged.ticket_id as ticket_id,
        backlogged.spells.1 as group_ids,
        backlogged.spells.2 as responder_ids,
        backlogged.spells.3 as next_responder_ids,
        backlogged.spells.5 as left_by,
        backlogged.spells.6 as entered_ats,
        backlogged.spells.7 as left_ats,
        said.words as words,
        tickets.first_responded_at as first_responded_at,
        arrayFirstIndex(word -> word.1 = first_responded_at and not word.3, words) as first_word,
        arrayLastIndex(entered_at -> entered_at <= first_responded_at, entered_ats) as first_spell
    from backlogged
    left join said on backlogged.ticket_id = said.ticket_id
    left join tickets on backlogged.ticket_id = tickets.ticket_id
    where backlogged.ticket_id in (select ticket_id from touched)
),

handled as (
    select
        ticket_id,
        arrayConcat(
            arrayMap(
                number -> (
                    responder_ids[number], group_ids[number], 'resolved',
                    assumeNotNull(left_ats[number])
                ),
                arrayFilter(number -> left_by[number] = 'resolved', arrayEnumerate(left_by))
            ),
            arrayMap(
                number -> (
                    responder_ids[number], group_ids[number], 'handed_over',
                    assumeNotNull(left_ats[number])
                ),
                arrayFilter(
                    number -> (
                        left_by[number] in ('moved', 'reassigned')
                        and responder_ids[number] not in (0, next_responder_ids[number])
                    ),
                    arrayEnumerate(left_by)
                )
            ),
            arrayMap(
                word -> (
                    word.2,
                    group_ids[arrayLastIndex(entered_at -> entered_at <= word.1, entered_ats)],
                    if(word.3, 'noted', 'replied'),
                    word.1
                ),
                words
            ),
            -- Who wrote the first response; where its conversation is not read, who had the ticket.
            if(
                first_responded_at is null or empty(group_ids),
                [],
                [
                    (
                        if(first_word > 0, words[first_word].2, responder_ids[first_spell]),
                        group_ids[first_spell],
                        'first_responded',
                        assumeNotNull(first_responded_at)
                    )
                ]
            )
        ) as actions,
        {{ built_at() }} as _built_at
    from told
)

select * from handled
