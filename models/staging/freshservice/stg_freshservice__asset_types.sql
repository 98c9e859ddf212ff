-- One row per type of asset, as last seen.
{{
    config(
        unique_key='asset_type_id',
        order_by='asset_type_id',
        pre_hook="{{ refuse_history_loss('asset_type_id', source('freshservice', 'asset_types'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('asset_types', 'asset_type_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                parent_asset_type_id Nullable(Int64),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as asset_type_id,
        coalesce(record.parent_asset_type_id, 0) as parent_asset_type_id,
        {{ clean_string('record.name') }} as asset_type_name,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
