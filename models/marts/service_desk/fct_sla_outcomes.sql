-- One row per ticket, SLA metric and response, kept up to date: whether it was done by when it was
-- due, and who held the ticket when it was not.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'metric', 'response_number'],
    )
}}

with dues as (
    select * from {{ ref('int_ticket_dues') }}
),

targets as (
    select * from {{ ref('int_ticket_targets') }}
),

versions as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

touched as (
    select ticket_id
    from dues
    where {{ built_since_last_build() }}
    {%- if is_incremental() %}
    union distinct
    -- What is under way is judged anew when time has passed.
    select ticket_id
    from {{ this }}
    where as_of_at < {{ as_of() }}
    {%- endif %}
),

judged as (
    select
        *,
        coalesce(done_at, finished_at, {{ as_of() }}) as stops_at,
        greatest(starts_at, asked_at) as since_at,
        -- 2: it was overdue when the state began. 1: it became so within. 0: it is not.
        multiIf(
            target_due_at is null, 0,
            target_due_at < since_at, 2,
            metric = 'resolution' and is_paused, 0,
            target_due_at < coalesce(least(ends_at, stops_at), stops_at), 1,
            0
        ) as lateness
    from dues
    where ticket_id in (select ticket_id from touched)
),

-- A breach begins where the states turn late for good: a raise of the priority may bring it, and a
-- longer target take it back.
folded as (
    select
        ticket_id,
        metric,
        response_number,
        any(asked_at) as asked_at,
        any(done_at) as done_at,
        any(finished_at) as finished_at,
        any(stops_at) as end_at,
        argMax(
            (sla_policy_id, priority_id, due_number, target_due_at, calendar_id), state_number
        ) as last,
        arraySort(groupArray((since_at, group_id, responder_id))) as holders,
        arrayFold(
            (since, state) -> multiIf(
                state.2 = 2, if(since = 0, toUnixTimestamp64Milli(state.3), since),
                state.2 = 1, toUnixTimestamp64Milli(assumeNotNull(state.4)),
                toInt64(0)
            ),
            arrayFilter(
                state -> not state.5,
                arraySort(
                    groupArray(
                        (
                            state_number,
                            lateness,
                            since_at,
                            target_due_at,
                            -- It was resolved here, and that did not last.
                            metric = 'resolution' and is_done and since_at < stops_at
                        )
                    )
                )
            ),
            toInt64(0)
        ) as breached_ms
    from judged
    group by ticket_id, metric, response_number
),

touched_targets as (
    select *
    from targets
    where ticket_id in (select ticket_id from touched)
),

-- What Freshservice said while nothing that moves a due date had changed.
told as (
    select
        versions.ticket_id as ticket_id,
        touched_targets.due_number as due_number,
        versions.updated_at as told_at,
        versions.first_response_due_at as first_response_due_at,
        versions.due_at as due_at
    from versions
    asof join touched_targets
        on
            versions.ticket_id = touched_targets.ticket_id
            and versions.updated_at >= touched_targets.starts_at
    where versions.ticket_id in (select ticket_id from touched)
),

told_dues as (
    select
        folded.ticket_id as ticket_id,
        folded.metric as metric,
        folded.response_number as response_number,
        argMin(
            if(folded.metric = 'resolution', told.due_at, told.first_response_due_at),
            (told.told_at > folded.end_at, abs(age('second', told.told_at, folded.end_at)))
        ) as due_at
    from folded
    inner join told on folded.ticket_id = told.ticket_id and folded.last.3 = told.due_number
    where folded.metric != 'next_response'
    group by ticket_id, metric, response_number
),

touched_tickets as (
    select *
    from tickets
    where ticket_id in (select ticket_id from touched)
),

decided as (
    select
        folded.ticket_id as ticket_id,
        folded.metric as metric,
        folded.response_number as response_number,
        folded.last.1 as sla_policy_id,
        folded.last.2 as priority_id,
        folded.last.4 as target_due_at,
        folded.holders as holders,
        folded.asked_at as asked_at,
        folded.done_at as done_at,
        folded.finished_at as finished_at,
        folded.end_at as end_at,
        touched_tickets.excluded_reason as excluded_reason,
        coalesce(told_dues.due_at, target_due_at) as due_at,
        if(
            coalesce(told_dues.due_at = target_due_at, told_dues.due_at is null),
            if(folded.breached_ms = 0, null, fromUnixTimestamp64Milli(folded.breached_ms, 'UTC')),
            if(told_dues.due_at < end_at, told_dues.due_at, null)
        ) as late_at,
        multiIf(
            excluded_reason is not null, toString(excluded_reason),
            due_at is null and sla_policy_id = 0, 'no policy',
            due_at is null, 'unknown calendar',
            done_at is null and finished_at is not null and late_at is null, 'unanswered',
            null
        ) as outcome_reason
    from folded
    inner join touched_tickets on folded.ticket_id = touched_tickets.ticket_id
    left join told_dues
        on
            folded.ticket_id = told_dues.ticket_id
            and folded.metric = told_dues.metric
            and folded.response_number = told_dues.response_number
),

-- It goes to whoever held the ticket when the limit passed, not to who has it later.
attributed as (
    select
        *,
        if(outcome_reason is null, late_at, null) as breached_at,
        arrayLast(
            holder -> holder.1 <= assumeNotNull(coalesce(breached_at, end_at)), holders
        ) as holder
    from decided
),

described as (
    select
        ticket_id,
        response_number,
        sla_policy_id,
        priority_id,
        holder.2 as group_id,
        holder.3 as responder_id,
        toLowCardinality(metric) as metric,
        toLowCardinality(
            multiIf(
                outcome_reason is not null, 'excluded',
                coalesce(done_at, finished_at) is not null,
                if(breached_at is null, 'met', 'breached'),
                if(breached_at is null, 'running', 'running_breached')
            )
        ) as outcome,
        toLowCardinality(outcome_reason) as outcome_reason,
        asked_at,
        due_at,
        target_due_at,
        done_at,
        breached_at,
        if(outcome in ('running', 'running_breached'), toNullable({{ as_of() }}), null) as as_of_at,
        {{ built_at() }} as built_at
    from attributed
)

select * from described
