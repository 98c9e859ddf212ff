-- One row per vendor, as last seen.
{{
    config(
        unique_key='vendor_id',
        order_by='vendor_id',
        pre_hook="{{ refuse_history_loss('vendor_id', source('freshservice', 'vendors'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('vendors', 'vendor_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as vendor_id,
        {{ clean_string('record.name') }} as vendor_name,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
