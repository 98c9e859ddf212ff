-- One row per contract, as last seen; its priced items are arrays of one length.
{{
    config(
        unique_key='contract_id',
        order_by='contract_id',
        pre_hook="{{ refuse_history_loss('contract_id', source('freshservice', 'contracts'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('contracts', 'contract_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                vendor_id Nullable(Int64),
                contract_type_id Nullable(Int64),
                software_id Nullable(Int64),
                future_contract_id Nullable(Int64),
                contract_number Nullable(String),
                name Nullable(String),
                status Nullable(String),
                billing_cycle Nullable(String),
                license_type Nullable(String),
                cost Nullable(Decimal(18, 4)),
                item_cost_details Array(
                    Tuple(
                        pricing_model Nullable(String),
                        cost Nullable(Decimal(18, 4)),
                        count Nullable(Int64)
                    )
                ),
                auto_renew Nullable(Bool),
                start_date Nullable(String),
                end_date Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as contract_id,
        coalesce(record.vendor_id, 0) as vendor_id,
        coalesce(record.contract_type_id, 0) as contract_type_id,
        coalesce(record.software_id, 0) as application_id,
        coalesce(record.future_contract_id, 0) as future_contract_id,
        {{ clean_string('record.contract_number') }} as contract_number,
        {{ clean_string('record.name') }} as contract_name,
        lower({{ clean_string('record.status') }}) as contract_status,
        toLowCardinality(lower({{ clean_string('record.billing_cycle') }})) as billing_cycle,
        toLowCardinality(lower({{ clean_string('record.license_type') }})) as license_type,
        record.cost as cost,
        record.item_cost_details.pricing_model as item_pricing_models,
        record.item_cost_details.cost as item_unit_costs,
        record.item_cost_details.count as item_counts,
        coalesce(record.auto_renew, false) as is_auto_renewed,
        toDate32({{ parse_instant('record.start_date') }}) as start_date,
        toDate32({{ parse_instant('record.end_date') }}) as end_date,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
