-- One row per product that assets are made of, as last seen.
{{
    config(
        unique_key='product_id',
        order_by='product_id',
        pre_hook="{{ refuse_history_loss('product_id', source('freshservice', 'products'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('products', 'product_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                asset_type_id Nullable(Int64),
                depreciation_type_id Nullable(Int64),
                manufacturer Nullable(String),
                mode_of_procurement Nullable(String),
                status Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as product_id,
        coalesce(record.asset_type_id, 0) as asset_type_id,
        coalesce(record.depreciation_type_id, 0) as depreciation_id,
        {{ clean_string('record.name') }} as product_name,
        {{ clean_string('record.manufacturer') }} as manufacturer,
        {{ clean_string('record.mode_of_procurement') }} as procurement_mode,
        {{ clean_string('record.status') }} as product_status,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
