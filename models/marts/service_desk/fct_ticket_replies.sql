-- One row per ticket and turn of its requester: how long an agent took to answer, by every clock,
-- and for which group. Turn 1 is the ticket itself. Kept up to date.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'turn_number'],
    )
}}

with all_turns as (
    select * from {{ ref('int_ticket_turns') }}
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
    from all_turns
    where {{ built_since_last_build() }}
),

turns as (
    select *
    from all_turns
    where ticket_id in (select ticket_id from touched)
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
        turns.replies_count as replies_count,
        {{ seconds_between('turns.asked_at', 'turns.replied_at') }} as reply_seconds,
        open_times.holder_seconds as reply_business_seconds,
        open_times.last_seconds as reply_last_calendar_seconds,
        turns.is_history_read as is_history_read,
        turns.asked_at as asked_at,
        turns.replied_at as replied_at,
        ends.finished_at as finished_at,
        {{ built_at() }} as built_at
    from turns
    left join ends
        on turns.ticket_id = ends.ticket_id and turns.turn_number = ends.turn_number
    left join open_times
        on turns.ticket_id = open_times.ticket_id and turns.turn_number = open_times.number
)

select * from described
