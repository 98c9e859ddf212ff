-- One row per time entry of a ticket, problem, change or release, as last seen.
{{
    config(
        unique_key=['parent_type', 'parent_id', 'time_entry_id'],
        order_by=['parent_type', 'parent_id', 'time_entry_id'],
        pre_hook="{{ refuse_history_loss('parent_type, parent_id, time_entry_id', source('freshservice', 'time_entries'), 'parent_type, parent_id, record_id') }}",
    )
}}

with records as (
    {{
        landed_records(
            'time_entries', 'time_entry_id',
            parents=['parent_type', 'parent_id'],
        )
    }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                agent_id Nullable(Int64),
                task_id Nullable(Int64),
                time_spent Nullable(String),
                billable Nullable(Bool),
                timer_running Nullable(Bool),
                start_time Nullable(String),
                end_time Nullable(String),
                executed_at Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

read as (
    select
        *,
        extractGroups(coalesce(record.time_spent, ''), '^\\s*(\\d+):(\\d{1,2})') as time_spent
    from parsed
),

typed as (
    select
        parent_type,
        parent_id,
        record_id as time_entry_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.task_id, 0) as task_id,
        -- "120:30" is five days and half an hour: the hours do not end at 24.
        toInt64OrNull(time_spent[1]) * 3600 + toInt64OrNull(time_spent[2]) * 60 as spent_seconds,
        coalesce(record.billable, false) as is_billable,
        coalesce(record.timer_running, false) as is_timer_running,
        {{ parse_instant('record.start_time') }} as started_at,
        {{ parse_instant('record.end_time') }} as ended_at,
        {{ parse_instant('record.executed_at') }} as executed_at,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from read
)

select * from typed
