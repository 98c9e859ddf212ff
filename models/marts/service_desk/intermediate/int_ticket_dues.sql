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

touched_targets as (
    select *
    from targets
    where ticket_id in (select ticket_id from touched)
),

clocked as (
    select
        clocks.ticket_id as ticket_id,
        clocks.metric as metric,
        clocks.response_number as response_number,
        touched_targets.state_number as state_number,
        touched_targets.due_number as due_number,
        touched_targets.sla_policy_id as sla_policy_id,
        touched_targets.calendar_id as calendar_id,
        touched_targets.group_id as group_id,
        touched_targets.responder_id as responder_id,
        touched_targets.priority_id as priority_id,
        multiIf(
            clocks.metric = 'first_response', touched_targets.target_response_seconds,
            clocks.metric = 'next_response', touched_targets.target_next_response_seconds,
            touched_targets.target_resolution_seconds
        ) as target_seconds,
        touched_targets.is_business_time as is_business_time,
        touched_targets.is_paused as is_paused,
        touched_targets.is_done as is_done,
        clocks.asked_at as asked_at,
        clocks.done_at as done_at,
        clocks.finished_at as finished_at,
        touched_targets.starts_at as starts_at,
        touched_targets.ends_at as ends_at
    from clocks
    inner join touched_targets on clocks.ticket_id = touched_targets.ticket_id
    where
        coalesce(touched_targets.starts_at <= coalesce(clocks.done_at, clocks.finished_at), true)
        and coalesce(touched_targets.ends_at > clocks.asked_at, true)
),

-- Only the resolution waits while the clock of the SLA stands: by what that was on the calendar of
-- now, as Freshservice reckons the whole wait anew.
pauses as (
    select
        ticket_id,
        starts_at as paused_at,
        assumeNotNull(ends_at) as resumed_at
    from touched_targets
    where is_paused and ends_at is not null
),

bounds as (
    select
        ticket_id,
        metric,
        response_number,
        state_number,
        if(is_business_time, calendar_id, -1) as calendar_id,
        toInt64(1) as sign,
        asked_at as bound_at
    from clocked
    union all
    select
        clocked.ticket_id as ticket_id,
        clocked.metric as metric,
        clocked.response_number as response_number,
        clocked.state_number as state_number,
        if(clocked.is_business_time, clocked.calendar_id, -1) as calendar_id,
        toInt64(bound.1) as sign,
        bound.2 as bound_at
    from clocked
    inner join pauses on clocked.ticket_id = pauses.ticket_id
    array join [(-1, pauses.paused_at), (1, pauses.resumed_at)] as bound
    where clocked.metric = 'resolution' and pauses.resumed_at <= clocked.starts_at
),

spent as (
    select
        bounds.ticket_id as ticket_id,
        bounds.metric as metric,
        bounds.response_number as response_number,
        bounds.state_number as state_number,
        -- Without a calendar the seconds are those of the clock on the wall.
        sum(
            bounds.sign * if(
                bounds.calendar_id = -1,
                toUnixTimestamp(bounds.bound_at),
                intervals.open_seconds_before + least(
                    age('second', intervals.starts_at, bounds.bound_at), intervals.open_seconds
                )
            )
        ) as from_seconds,
        countIf(bounds.calendar_id != -1 and intervals.starts_at is null) = 0 as is_known
    from bounds
    asof left join intervals
        on
            bounds.calendar_id = intervals.calendar_id
            and bounds.bound_at >= intervals.starts_at
    group by ticket_id, metric, response_number, state_number
),

reckoned as (
    select
        clocked.ticket_id as ticket_id,
        clocked.metric as metric,
        clocked.response_number as response_number,
        clocked.state_number as state_number,
        clocked.due_number as due_number,
        clocked.sla_policy_id as sla_policy_id,
        clocked.calendar_id as calendar_id,
        clocked.group_id as group_id,
        clocked.responder_id as responder_id,
        clocked.priority_id as priority_id,
        clocked.is_business_time as is_business_time,
        clocked.is_paused as is_paused,
        clocked.is_done as is_done,
        clocked.asked_at as asked_at,
        clocked.done_at as done_at,
        clocked.finished_at as finished_at,
        clocked.starts_at as starts_at,
        clocked.ends_at as ends_at,
        if(
            spent.is_known and clocked.sla_policy_id > 0,
            toUInt64(spent.from_seconds + clocked.target_seconds),
            null
        ) as until_seconds
    from clocked
    inner join spent
        on
            clocked.ticket_id = spent.ticket_id
            and clocked.metric = spent.metric
            and clocked.response_number = spent.response_number
            and clocked.state_number = spent.state_number
),

-- The instant by which the calendar was open for so long.
due as (
    select
        reckoned.ticket_id as ticket_id,
        reckoned.metric as metric,
        reckoned.response_number as response_number,
        reckoned.state_number as state_number,
        reckoned.due_number as due_number,
        reckoned.sla_policy_id as sla_policy_id,
        reckoned.calendar_id as calendar_id,
        reckoned.group_id as group_id,
        reckoned.responder_id as responder_id,
        reckoned.priority_id as priority_id,
        reckoned.is_business_time as is_business_time,
        reckoned.is_paused as is_paused,
        reckoned.is_done as is_done,
        reckoned.asked_at as asked_at,
        reckoned.done_at as done_at,
        reckoned.finished_at as finished_at,
        reckoned.starts_at as starts_at,
        reckoned.ends_at as ends_at,
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

select * from due
