-- One row per agent group, as last seen.
{{
    config(
        unique_key='group_id',
        order_by='group_id',
        pre_hook="{{ refuse_history_loss('group_id', source('freshservice', 'groups'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('groups', 'group_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                business_hours_id Nullable(Int64),
                name Nullable(String),
                description Nullable(String),
                agent_ids Array(Int64),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as group_id,
        record.business_hours_id as calendar_id,
        record.agent_ids as agent_ids,
        {{ clean_string('record.name') }} as group_name,
        {{ clean_string('record.description') }} as group_description,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
