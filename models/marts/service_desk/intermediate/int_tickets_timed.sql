-- One row per ticket: what the stretches of its life tell together, above all how long it took.
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

segments as (
    select * from {{ ref('fct_ticket_status_segments') }}
),

touched as (
    select ticket_id
    from states
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from segments
    where {{ built_since_last_build('built_at') }}
),

ends as (
    select
        ticket_id,
        argMax(merged_into_id, state_number) as merged_into_id,
        max(history_source = 'activities') as is_history_read
    from states
    where ticket_id in (select ticket_id from touched)
    group by ticket_id
),

marked as (
    select
        *,
        lagInFrame(is_done) over by_time as was_done,
        lagInFrame(group_id) over by_time as before_group_id,
        lagInFrame(status_id) over by_time as before_status_id,
        last_value(is_done) over in_ticket as is_now_done,
        last_value(status_id) over in_ticket as now_status_id
    from segments
    where ticket_id in (select ticket_id from touched)
    window
        by_time as (
            partition by ticket_id order by segment_number
            rows between unbounded preceding and current row
        ),
        in_ticket as (
            partition by ticket_id order by segment_number
            rows between unbounded preceding and unbounded following
        )
),

-- Resolved and then closed is one resolution, at the first of the two.
milestones as (
    select
        *,
        minOrNull(if(is_done and not was_done, starts_at, null)) over in_ticket as first_done_at,
        if(
            is_now_done,
            maxOrNull(if(is_done and not was_done, starts_at, null)) over in_ticket,
            null
        ) as done_at,
        if(
            now_status_id = 5,
            maxOrNull(
                if(status_id = 5 and (segment_number = 1 or before_status_id != 5), starts_at, null)
            ) over in_ticket,
            null
        ) as closed_since
    from marked
    window in_ticket as (
        partition by ticket_id order by segment_number
        rows between unbounded preceding and unbounded following
    )
),

timed as (
    select
        ticket_id,
        toUInt32(countIf(was_done and not is_done)) as reopens_count,
        toUInt32(countIf(before_group_id != 0 and group_id != before_group_id))
            as group_changes_count,
        arraySort(groupArrayIf(starts_at, was_done and not is_done)) as reopened_at,
        arraySort(groupArrayIf(starts_at, is_done and not was_done)) as done_entries,
        -- Whether a resolution lasted for less than the days that a customer takes to come back.
        arrayExists(
            (done, reopened) -> reopened <= done + interval {{ var('reopened_soon_days') }} day,
            arraySlice(done_entries, 1, length(reopened_at)),
            reopened_at
        ) as is_seen_reopened_soon,
        coalesce(
            reopened_at[1] <= done_entries[1] + interval {{ var('first_contact_days') }} day
            and notEmpty(reopened_at),
            false
        ) as is_seen_back,
        any(first_done_at) as first_resolved_at,
        any(done_at) as resolved_at,
        any(closed_since) as closed_at,
        -- Of a stretch on a calendar that nobody knows nothing can be told: null, never 0.
        if(
            any(first_done_at) is null
            or countIf(starts_at < first_done_at and elapsed_seconds is null) > 0,
            null,
            sumIf(elapsed_seconds, starts_at < first_done_at)
        ) as first_resolution_seconds,
        if(
            any(first_done_at) is null
            or countIf(starts_at < first_done_at and business_seconds is null) > 0,
            null,
            sumIf(business_seconds, starts_at < first_done_at)
        ) as first_resolution_business_seconds,
        if(
            any(first_done_at) is null
            or countIf(starts_at < first_done_at and last_calendar_seconds is null) > 0,
            null,
            sumIf(last_calendar_seconds, starts_at < first_done_at)
        ) as first_resolution_last_calendar_seconds,
        if(
            any(done_at) is null
            or countIf(starts_at < done_at and elapsed_seconds is null) > 0,
            null,
            sumIf(elapsed_seconds, starts_at < done_at)
        ) as full_resolution_seconds,
        if(
            any(done_at) is null
            or countIf(starts_at < done_at and business_seconds is null) > 0,
            null,
            sumIf(business_seconds, starts_at < done_at)
        ) as full_resolution_business_seconds,
        if(
            any(done_at) is null
            or countIf(starts_at < done_at and last_calendar_seconds is null) > 0,
            null,
            sumIf(last_calendar_seconds, starts_at < done_at)
        ) as full_resolution_last_calendar_seconds,
        if(
            any(done_at) is null
            or countIf(
                starts_at < done_at and is_sla_timer_running and elapsed_seconds is null
            ) > 0,
            null,
            sumIf(elapsed_seconds, starts_at < done_at and is_sla_timer_running)
        ) as net_resolution_seconds,
        if(
            any(done_at) is null
            or countIf(
                starts_at < done_at and is_sla_timer_running and business_seconds is null
            ) > 0,
            null,
            sumIf(business_seconds, starts_at < done_at and is_sla_timer_running)
        ) as net_resolution_business_seconds,
        if(
            any(done_at) is null
            or countIf(
                starts_at < done_at and is_sla_timer_running and last_calendar_seconds is null
            ) > 0,
            null,
            sumIf(last_calendar_seconds, starts_at < done_at and is_sla_timer_running)
        ) as net_resolution_last_calendar_seconds
    from milestones
    group by ticket_id
),

described as (
    select
        timed.* except (done_entries),
        ends.merged_into_id as merged_into_id,
        ends.is_history_read as is_history_read,
        {{ built_at() }} as _built_at
    from timed
    inner join ends on timed.ticket_id = ends.ticket_id
)

select * from described
