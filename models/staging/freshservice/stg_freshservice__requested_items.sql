-- One row per item that a service request asks for, as last seen.
{{
    config(
        unique_key=['parent_type', 'parent_id', 'requested_item_id'],
        order_by=['parent_type', 'parent_id', 'requested_item_id'],
        pre_hook="{{ refuse_history_loss('parent_type, parent_id, requested_item_id', source('freshservice', 'requested_items'), 'parent_type, parent_id, record_id') }}",
    )
}}

with records as (
    {{
        landed_records(
            'requested_items', 'requested_item_id',
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
                service_item_id Nullable(Int64),
                quantity Nullable(Float64),
                stage Nullable(String),
                loaned Nullable(Bool),
                cost_per_request Nullable(Float64),
                delivery_time Nullable(Float64),
                is_parent Nullable(Bool),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        parent_type,
        parent_id,
        record_id as requested_item_id,
        coalesce(record.service_item_id, 0) as service_item_id,
        toLowCardinality({{ clean_string('record.stage') }}) as stage,
        record.quantity as quantity,
        record.cost_per_request as cost_per_request,
        record.delivery_time * 3600 as delivery_seconds,
        coalesce(record.loaned, false) as is_loaned,
        coalesce(record.is_parent, false) as is_parent,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
