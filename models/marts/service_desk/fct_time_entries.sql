-- One row per time entry of a ticket, problem, change or release, kept up to date.
{{
    config(
        materialized='incremental',
        unique_key=['parent_type', 'parent_id', 'time_entry_id'],
        order_by=['parent_type', 'parent_id', 'time_entry_id'],
        pre_hook="{{ refuse_history_loss('time_entry_id', ref('stg_freshservice__time_entries')) }}",
    )
}}

with entries as (
    select * from {{ ref('stg_freshservice__time_entries') }}
),

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'time_entries'
),

states as (
    select * from {{ ref('int_ticket_states') }}
),

touched as (
    select
        parent_type,
        parent_id
    from entries
    where {{ built_since_last_build() }}
    union distinct
    select
        parent_type,
        parent_id
    from sweeps
    where {{ built_since_last_build() }}
    union distinct
    select
        'ticket' as parent_type,
        ticket_id as parent_id
    from states
    where {{ built_since_last_build() }}
),

dated as (
    select
        *,
        if(parent_type = 'ticket', parent_id, 0) as ticket_id,
        coalesce(executed_at, started_at, created_at, updated_at) as worked_at
    from entries
    where (parent_type, parent_id) in (select * from touched)
),

touched_sweeps as (
    select * from sweeps
    where (parent_type, parent_id) in (select * from touched)
),

touched_states as (
    select
        ticket_id,
        group_id,
        starts_at
    from states
    where ticket_id in (select ticket_id from dated)
),

-- Shown once and not by the latest reading of its list: the source has deleted it.
swept as (
    select
        dated.* except (executed_at, _payload_hash, _built_at),
        coalesce(
            touched_sweeps.read_at >= dated.updated_at
            and not has(touched_sweeps.record_ids, dated.time_entry_id),
            false
        ) as is_deleted
    from dated
    left join touched_sweeps
        on
            dated.parent_type = touched_sweeps.parent_type
            and dated.parent_id = touched_sweeps.parent_id
),

attributed as (
    select
        swept.parent_type as parent_type,
        swept.parent_id as parent_id,
        swept.time_entry_id as time_entry_id,
        swept.ticket_id as ticket_id,
        swept.agent_id as agent_id,
        coalesce(touched_states.group_id, 0) as group_id,
        swept.task_id as task_id,
        if(swept.is_timer_running or swept.is_deleted, null, swept.spent_seconds)
            as logged_seconds,
        toBool(swept.is_billable) as is_billable,
        toBool(swept.is_timer_running) as is_timer_running,
        toBool(swept.is_deleted) as is_deleted,
        swept.started_at as started_at,
        swept.ended_at as ended_at,
        swept.worked_at as executed_at,
        swept.updated_at as updated_at,
        {{ built_at() }} as built_at
    from swept
    asof left join touched_states
        on
            swept.ticket_id = touched_states.ticket_id
            and swept.worked_at >= touched_states.starts_at
)

select * from attributed
