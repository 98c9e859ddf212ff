-- One row per purchase order, kept up to date: its total by our own sum, beside the source's.
{{ config(order_by='purchase_order_id') }}

with purchase_orders as (
    select * from {{ ref('stg_freshservice__purchase_orders') }}
),

lines as (
    select
        purchase_order_id,
        count() as lines_count,
        sum(quantity) as ordered_quantity,
        sum(received_quantity) as received_quantity,
        sum(toDecimal128(line_amount, 6)) as lines_amount
    from {{ ref('fct_purchase_order_lines') }}
    group by purchase_order_id
),

totalled as (
    select
        purchase_orders.*,
        coalesce(lines.lines_count, 0) as lines_count,
        coalesce(lines.ordered_quantity, 0) as ordered_quantity,
        coalesce(lines.received_quantity, 0) as received_quantity,
        coalesce(lines.lines_amount, toDecimal128(0, 6)) as lines_amount,
        -- Each percentage is rounded after it is applied, never before.
        toDecimal64(
            round(
                divideDecimal(
                    coalesce(lines.lines_amount, toDecimal128(0, 6))
                    * (100 - toDecimal128(purchase_orders.discount_percentage, 4))
                    * (100 + toDecimal128(purchase_orders.tax_percentage, 4)),
                    toDecimal128(10000, 0),
                    9
                ) + toDecimal128(purchase_orders.shipping_cost, 9),
                2
            ),
            2
        ) as total_amount
    from purchase_orders
    left join lines on purchase_orders.purchase_order_id = lines.purchase_order_id
),

described as (
    select
        totalled.purchase_order_id as purchase_order_id,
        totalled.vendor_id as vendor_id,
        totalled.department_id as department_id,
        totalled.status_id as status_id,
        totalled.purchase_order_number as purchase_order_number,
        totalled.currency_symbol as currency_symbol,
        toUInt16(totalled.lines_count) as lines_count,
        toInt64(totalled.ordered_quantity) as ordered_quantity,
        toInt64(totalled.received_quantity) as received_quantity,
        toDecimal64(totalled.discount_percentage, 4) as discount_percentage,
        toDecimal64(totalled.tax_percentage, 4) as tax_percentage,
        toDecimal64(totalled.shipping_cost, 2) as shipping_cost,
        totalled.total_amount as total_amount,
        toDecimal64OrNull(toString(totalled.reported_total_cost), 2) as reported_total_amount,
        toDecimal64(round(totalled.reported_total_cost, 2), 2) - totalled.total_amount
            as difference_amount,
        -- Without a currency the order is in the account's own.
        toDecimal64(
            coalesce(
                totalled.conversion_rate, if(totalled.currency_symbol is null, 1, null)
            ),
            8
        ) as conversion_rate,
        toDecimal64(
            round(
                toDecimal128(totalled.total_amount, 2) * coalesce(
                    totalled.conversion_rate, if(totalled.currency_symbol is null, 1, null)
                ),
                2
            ),
            2
        ) as total_base_amount,
        totalled.expected_delivery_date as expected_delivery_date,
        totalled.created_at as created_at,
        totalled.updated_at as updated_at
    from totalled
)

select * from described
