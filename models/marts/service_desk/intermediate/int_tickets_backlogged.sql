-- One row per ticket: the spells that it lay in somebody's backlog, in order. A spell ends when the
-- ticket is done or removed, and when another group or another agent takes it.
{{
    config(
        unique_key='ticket_id',
        order_by='ticket_id',
        materialized='incremental',
    )
}}

with states as (
    select * from {{ ref('int_ticket_states') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

touched as (
    select ticket_id
    from states
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from tickets
    where {{ built_since_last_build('built_at') }}
),

touched_tickets as (
    select
        ticket_id,
        -- A copy of another ticket is neither created nor resolved.
        coalesce(excluded_reason = 'merged', false) as is_merged,
        -- It left no trace of when it went: the last that was heard of it is the best there is.
        if(excluded_reason = 'gone', updated_at, null) as gone_at
    from tickets
    where ticket_id in (select ticket_id from touched)
),

histories as (
    select
        ticket_id,
        min(starts_at) as created_at,
        arraySort(
            groupArray(
                (
                    state_number,
                    starts_at,
                    is_deleted or is_spam,
                    status_id not in (4, 5) and not is_deleted and not is_spam,
                    group_id,
                    responder_id
                )
            )
        ) as history
    from states
    where ticket_id in (select ticket_id from touched)
    group by ticket_id
),

-- States between which neither the backlog nor its owner changed are one.
stretches as (
    select
        histories.ticket_id as ticket_id,
        histories.created_at as created_at,
        coalesce(touched_tickets.is_merged, false) as is_merged,
        touched_tickets.gone_at as gone_at,
        arrayFilter(
            (state, number) -> (
                number = 1
                or (state.3, state.4, state.5, state.6) != (
                    history[number - 1].3,
                    history[number - 1].4,
                    history[number - 1].5,
                    history[number - 1].6
                )
            ),
            histories.history,
            arrayEnumerate(histories.history)
        ) as stretches
    from histories
    left join touched_tickets on histories.ticket_id = touched_tickets.ticket_id
),

numbered as (
    select
        *,
        length(stretches) as last_number,
        stretches.2 as starts_at,
        stretches.3 as is_removed,
        stretches.4 as is_open,
        stretches.5 as group_ids,
        stretches.6 as responder_ids
    from stretches
),

backlogged as (
    select
        ticket_id,
        cast(
            arrayMap(
                number -> (
                    group_ids[number],
                    responder_ids[number],
                    responder_ids[number + 1],
                    multiIf(
                        number = 1, 'created',
                        not is_open[number - 1],
                        if(is_removed[number - 1], 'restored', 'reopened'),
                        group_ids[number - 1] != group_ids[number], 'moved',
                        'reassigned'
                    ),
                    multiIf(
                        number = last_number, if(gone_at is null, '', 'removed'),
                        is_removed[number + 1], 'removed',
                        not is_open[number + 1], 'resolved',
                        group_ids[number + 1] != group_ids[number], 'moved',
                        'reassigned'
                    ),
                    starts_at[number],
                    multiIf(
                        number < last_number, starts_at[number + 1],
                        gone_at is null, null,
                        greatest(gone_at, starts_at[number])
                    )
                ),
                arrayFilter(number -> is_open[number] and not is_merged, arrayEnumerate(is_open))
            ),
            -- Its parts have no names: dbt takes a named tuple for another type at every increment.
            'Array(Tuple(
                Int64, Int64, Int64, LowCardinality(String), LowCardinality(String),
                DateTime64(3, ''UTC''), Nullable(DateTime64(3, ''UTC''))
            ))'
        ) as spells,
        created_at,
        {{ built_at() }} as _built_at
    from numbered
)

select * from backlogged
