-- One row per task of a ticket, problem, change or release, as last seen.
{{
    config(
        unique_key=['parent_type', 'parent_id', 'task_id'],
        order_by=['parent_type', 'parent_id', 'task_id'],
        pre_hook="{{ refuse_history_loss('parent_type, parent_id, task_id', source('freshservice', 'tasks'), 'parent_type, parent_id, record_id') }}",
    )
}}

with records as (
    {{
        landed_records(
            'tasks', 'task_id',
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
                group_id Nullable(Int64),
                status Nullable(UInt16),
                due_date Nullable(String),
                created_at Nullable(String),
                closed_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        parent_type,
        parent_id,
        record_id as task_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.group_id, 0) as group_id,
        coalesce(record.status, 0) as status_id,
        {{ parse_instant('record.due_date') }} as due_at,
        {{ parse_instant('record.created_at') }} as created_at,
        {{ parse_instant('record.closed_at') }} as closed_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
