-- One row per combination of category, sub-category and item category that a ticket has had.
{{ config(order_by='category_key') }}

with tickets as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

combinations as (
    select distinct
        {{ category_key('tickets') }} as category_key,
        category,
        sub_category,
        item_category
    from tickets
)

select * from combinations
