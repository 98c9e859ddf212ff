-- One row per priority of a ticket, and 0 for a priority that we do not know.
{{ config(order_by='priority_id') }}

with priorities as (
    select * from {{ ref('ticket_priorities') }}
),

described as (
    select
        toUInt8(priority_id) as priority_id,
        toLowCardinality(priority_name) as priority
    from priorities
)

select * from described
