-- One row per ticket, SLA metric, response and state of the ticket while its clock ran: by when the
-- targets of that state wanted it done.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'metric', 'response_number', 'state_number'],
    )
}}

with targets as (
    select * from {{ ref('int_ticket_targets') }}
),

replies as (
    select * from {{ ref('fct_ticket_replies') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

touched as (
    select ticket_id
    from targets
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from replies
    where {{ built_since_last_build('built_at') }}
    union distinct
    select ticket_id
    from tickets
    where {{ built_since_last_build('built_at') }}
),

clocks as (
    select
        ticket_id,
        if(turn_number = 1, 'first_response', 'next_response') as metric,
        turn_number as response_number,
        asked_at,
        replied_at as done_at,
        finished_at
    from replies
    where ticket_id in (select ticket_id from touched)
    union all
    select
        ticket_id,
        'resolution' as metric,
        toUInt32(1) as response_number,
        created_at as asked_at,
        resolved_at as done_at,
        null as finished_at
    from tickets
    where ticket_id in (select ticket_id from touched)
),

-- Only the resolution waits while the clock of the SLA stands: by what that was on the calendar of
-- now, as Freshservice reckons the whole wait anew.
touched_targets as (
    select
        *,
        groupArrayIf((starts_at, assumeNotNull(ends_at)), is_paused) over (
            partition by ticket_id order by state_number
            rows between unbounded preceding and 1 preceding
        ) as pauses
    from targets
    where ticket_id in (select ticket_id from touched)
),

clocked as (
    select
        clocks.*,
        touched_targets.* except (
            ticket_id,
            status_id,
            target_response_seconds,
            target_next_response_seconds,
            target_resolution_seconds,
            pauses,
            _built_at
        ),
        multiIf(
            clocks.metric = 'first_response', touched_targets.target_response_seconds,
            clocks.metric = 'next_response', touched_targets.target_next_response_seconds,
            touched_targets.target_resolution_seconds
        ) as target_seconds,
        arrayConcat(
            [(1, clocks.asked_at)],
            arrayFlatten(
                arrayMap(
                    pause -> [(-1, pause.1), (1, pause.2)],
                    arrayFilter(pause -> clocks.metric = 'resolution', touched_targets.pauses)
                )
            )
        ) as bounds,
        -- Without a calendar the seconds are those of the clock on the wall.
        if(
            touched_targets.is_business_time, touched_targets.calendar_id, -1
        ) as bounds_calendar_id
    from clocks
    inner join touched_targets on clocks.ticket_id = touched_targets.ticket_id
    where
        coalesce(touched_targets.starts_at <= coalesce(clocks.done_at, clocks.finished_at), true)
        and coalesce(touched_targets.ends_at > clocks.asked_at, true)
),

bounded as (
    select
        * except (bounds),
        bound.1 as sign,
        bound.2 as bound_at
    from clocked
    array join bounds as bound
),

reckoned as (
    select
        bounded.* except (sign, bound_at, bounds_calendar_id, target_seconds),
        sum(
            bounded.sign * if(
                bounded.bounds_calendar_id = -1,
                toUnixTimestamp(bounded.bound_at),
                intervals.open_seconds_before + least(
                    age('second', intervals.starts_at, bounded.bound_at), intervals.open_seconds
                )
            )
        ) as from_seconds,
        if(
            countIf(bounded.bounds_calendar_id != -1 and intervals.starts_at is null) = 0
            and bounded.sla_policy_id > 0,
            toUInt64(from_seconds + any(bounded.target_seconds)),
            null
        ) as until_seconds
    from bounded
    asof left join intervals
        on
            bounded.bounds_calendar_id = intervals.calendar_id
            and bounded.bound_at >= intervals.starts_at
    group by all
),

-- The instant by which the calendar was open for so long.
due as (
    select
        reckoned.* except (from_seconds, until_seconds),
        multiIf(
            reckoned.until_seconds is null, null,
            not reckoned.is_business_time,
            toDateTime64(assumeNotNull(reckoned.until_seconds), 3, 'UTC'),
            toDateTime64(intervals.starts_at, 3, 'UTC') + toIntervalSecond(
                least(
                    reckoned.until_seconds - intervals.open_seconds_before, intervals.open_seconds
                )
            )
        ) as target_due_at,
        {{ built_at() }} as _built_at
    from reckoned
    asof left join intervals
        on
            reckoned.calendar_id = intervals.calendar_id
            and assumeNotNull(reckoned.until_seconds) > intervals.open_seconds_before
)

select * from due -- noqa: AM04
