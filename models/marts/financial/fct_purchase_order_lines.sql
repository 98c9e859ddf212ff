-- One row per line of a purchase order.
{{ config(order_by=['purchase_order_id', 'line_number']) }}

with purchase_orders as (
    select * from {{ ref('stg_freshservice__purchase_orders') }}
),

lines as (
    select
        purchase_order_id,
        toUInt16(line_number) as line_number,
        coalesce(item_id, 0) as item_id,
        toLowCardinality(multiIf(item_type = 1, 'product', item_type = 2, 'software', 'other'))
            as item_kind,
        item_name,
        coalesce(quantity, 0) as quantity,
        coalesce(received_quantity, 0) as received_quantity,
        toDecimal64(coalesce(unit_cost, 0), 4) as unit_cost,
        toDecimal64(coalesce(tax_percentage, 0), 4) as tax_percentage,
        toDecimal64(
            round(
                toDecimal128(coalesce(unit_cost, 0), 4)
                * coalesce(quantity, 0)
                * (100 + toDecimal128(coalesce(tax_percentage, 0), 4)) / 100,
                6
            ),
            6
        ) as line_amount
    from purchase_orders
    array join
        arrayEnumerate(line_item_ids) as line_number,
        line_item_ids as item_id,
        line_item_types as item_type,
        line_item_names as item_name,
        line_quantities as quantity,
        line_received_quantities as received_quantity,
        line_unit_costs as unit_cost,
        line_tax_percentages as tax_percentage
)

select * from lines
