-- One row per release, as last seen.
{{
    config(
        unique_key='release_id',
        order_by='release_id',
        pre_hook="{{ refuse_history_loss('release_id', source('freshservice', 'releases'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('releases', 'release_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                agent_id Nullable(Int64),
                group_id Nullable(Int64),
                department_id Nullable(Int64),
                status Nullable(UInt16),
                priority Nullable(UInt8),
                release_type Nullable(UInt8),
                deleted Nullable(Bool),
                planned_start_date Nullable(String),
                planned_end_date Nullable(String),
                work_start_date Nullable(String),
                work_end_date Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as release_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.group_id, 0) as group_id,
        coalesce(record.department_id, 0) as department_id,
        coalesce(record.status, 0) as status_id,
        coalesce(record.priority, 0) as priority_id,
        coalesce(record.release_type, 0) as release_type_id,
        coalesce(record.deleted, false) as is_deleted,
        {{ parse_instant('record.planned_start_date') }} as planned_starts_at,
        {{ parse_instant('record.planned_end_date') }} as planned_ends_at,
        {{ parse_instant('record.work_start_date') }} as work_starts_at,
        {{ parse_instant('record.work_end_date') }} as work_ends_at,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
