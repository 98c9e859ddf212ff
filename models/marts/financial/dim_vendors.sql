-- One row per vendor, as last seen; 0 is none, and a vendor that only others name is Unknown.
{{ config(order_by='vendor_id') }}

with vendors as (
    select * from {{ ref('stg_freshservice__vendors') }}
),

contracts as (
    select * from {{ ref('stg_freshservice__contracts') }}
),

purchase_orders as (
    select * from {{ ref('stg_freshservice__purchase_orders') }}
),

all_vendors as (
    select toInt64(0) as vendor_id
    union distinct
    select vendor_id from vendors
    union distinct
    select vendor_id from contracts
    union distinct
    select vendor_id from purchase_orders
),

described as (
    select
        all_vendors.vendor_id as vendor_id,
        multiIf(
            all_vendors.vendor_id = 0, 'None', coalesce(vendors.vendor_name, 'Unknown')
        ) as vendor_name,
        toBool(vendors.vendor_id is not null) as is_known
    from all_vendors
    left join vendors on all_vendors.vendor_id = vendors.vendor_id
)

select * from described
