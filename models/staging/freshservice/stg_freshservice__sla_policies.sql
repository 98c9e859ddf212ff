-- One row per SLA policy, as last seen; its targets per priority are an array.
{{
    config(
        unique_key='sla_policy_id',
        order_by='sla_policy_id',
        pre_hook="{{ refuse_history_loss('sla_policy_id', source('freshservice', 'sla_policies'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('sla_policies', 'sla_policy_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                position Nullable(UInt32),
                is_default Nullable(Bool),
                active Nullable(Bool),
                deleted Nullable(Bool),
                sla_targets Array(
                    Tuple(
                        priority UInt8,
                        respond_within Nullable(UInt32),
                        resolve_within Nullable(UInt32),
                        business_hours Nullable(Bool),
                        next_respond_within Nullable(UInt32)
                    )
                ),
                applicable_to Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as sla_policy_id,
        {{ clean_string('record.name') }} as sla_policy_name,
        record.applicable_to as applies_to_json,
        arraySort(record.sla_targets).1 as target_priority_ids,
        arraySort(record.sla_targets).2 as target_response_seconds,
        arraySort(record.sla_targets).3 as target_resolution_seconds,
        arraySort(record.sla_targets).4 as target_is_business_time,
        -- Where the account has no target of its own for later responses, the first one's holds.
        arrayMap(
            target -> coalesce(target.5, target.2), arraySort(record.sla_targets)
        ) as target_next_response_seconds,
        record.position as position,
        coalesce(record.is_default, false) as is_default,
        coalesce(record.active, false) as is_active,
        coalesce(record.deleted, false) as is_deleted,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
