-- One row per purchase order, as last seen; its lines are arrays of one length.
{{
    config(
        unique_key='purchase_order_id',
        order_by='purchase_order_id',
        pre_hook="{{ refuse_history_loss('purchase_order_id', source('freshservice', 'purchase_orders'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('purchase_orders', 'purchase_order_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                vendor_id Nullable(Int64),
                department_id Nullable(Int64),
                status Nullable(UInt16),
                po_number Nullable(String),
                total_cost Nullable(Decimal(18, 4)),
                discount_percentage Nullable(Decimal(9, 4)),
                tax_percentage Nullable(Decimal(9, 4)),
                shipping_cost Nullable(Decimal(18, 4)),
                currency Tuple(
                    conversion_rate Nullable(Decimal(18, 8)),
                    symbol Nullable(String)
                ),
                purchase_items Array(
                    Tuple(
                        item_type Nullable(Int64),
                        item_id Nullable(Int64),
                        item_name Nullable(String),
                        cost Nullable(Decimal(18, 4)),
                        quantity Nullable(Int64),
                        received Nullable(Int64),
                        tax_percentage Nullable(Decimal(9, 4))
                    )
                ),
                expected_delivery_date Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as purchase_order_id,
        coalesce(record.vendor_id, 0) as vendor_id,
        coalesce(record.department_id, 0) as department_id,
        coalesce(record.status, 0) as status_id,
        {{ clean_string('record.po_number') }} as purchase_order_number,
        toLowCardinality({{ clean_string('record.currency.symbol') }}) as currency_symbol,
        record.purchase_items.item_type as line_item_types,
        record.purchase_items.item_id as line_item_ids,
        record.purchase_items.item_name as line_item_names,
        record.purchase_items.cost as line_unit_costs,
        record.purchase_items.quantity as line_quantities,
        record.purchase_items.received as line_received_quantities,
        record.purchase_items.tax_percentage as line_tax_percentages,
        record.total_cost as reported_total_cost,
        coalesce(record.discount_percentage, 0) as discount_percentage,
        coalesce(record.tax_percentage, 0) as tax_percentage,
        coalesce(record.shipping_cost, 0) as shipping_cost,
        record.currency.conversion_rate as conversion_rate,
        toDate32({{ parse_instant('record.expected_delivery_date') }}) as expected_delivery_date,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
