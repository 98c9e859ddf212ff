-- One row per ticket and measure of which we or Freshservice know an instant: ours beside theirs,
-- and why they differ. Kept up to date.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'measure'],
    )
}}

with tickets as (
    select *
    from {{ ref('fct_tickets') }}
    where {{ built_since_last_build('built_at') }}
),

latest as (
    select * from {{ ref('int_tickets_folded') }}
),

measured as (
    select
        tickets.ticket_id as ticket_id,
        tickets.is_open as is_open,
        tickets.is_history_read as is_history_read,
        tickets.created_at as created_at,
        told.1 as measure,
        told.2 as our_at,
        told.3 as their_at,
        told.4 as our_seconds,
        told.5 as their_seconds
    from tickets
    inner join latest on tickets.ticket_id = latest.ticket_id
    array join
        [
            (
                'first_response',
                tickets.first_responded_at,
                latest.first_responded_at,
                tickets.first_response_seconds,
                toInt64OrNull('')
            ),
            (
                'resolution',
                tickets.resolved_at,
                latest.resolved_at,
                tickets.resolution_seconds,
                latest.reported_resolution_seconds
            )
        ] as told
    where our_at is not null or their_at is not null
),

explained as (
    select
        ticket_id,
        toLowCardinality(measure) as measure,
        toLowCardinality(
            multiIf(
                our_at = their_at and coalesce(abs(our_seconds - their_seconds) <= 1, true),
                'equal',
                their_at is null, 'their statistics are empty',
                their_at < created_at, 'theirs is before the ticket was made',
                our_at is null and measure = 'resolution' and is_open,
                'theirs is of a resolution that did not last',
                our_at is null, 'theirs is no public reply of an agent',
                our_at = their_at, 'their seconds are not those to their instant',
                our_at < their_at and measure = 'first_response',
                'their statistics lack an earlier reply',
                not is_history_read, 'our history is not whole',
                'unexplained'
            )
        ) as reason,
        our_seconds,
        their_seconds,
        our_at,
        their_at,
        {{ built_at() }} as built_at
    from measured
)

select * from explained
