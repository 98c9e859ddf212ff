-- One row per department, as last seen.
{{
    config(
        unique_key='department_id',
        order_by='department_id',
        pre_hook="{{ refuse_history_loss('department_id', source('freshservice', 'departments'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('departments', 'department_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                head_user_id Nullable(Int64),
                prime_user_id Nullable(Int64),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as department_id,
        coalesce(record.head_user_id, 0) as head_requester_id,
        coalesce(record.prime_user_id, 0) as prime_requester_id,
        {{ clean_string('record.name') }} as department_name,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
