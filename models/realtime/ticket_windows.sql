-- One row per 10 seconds and priority, once merged: the tickets that changed in them, as landed.
{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
        engine='AggregatingMergeTree()',
        order_by=['window_at', 'priority_id'],
        partition_by='toYYYYMM(window_at)',
        ttl='toDateTime(landed_at) + interval ' ~ var('detail_months') ~ ' month',
    )
}}

with tickets as (
    select * from {{ source('freshservice', 'tickets') }}
    where false
),

windows as (
    {{ ticket_windows('tickets') }}
)

select * from windows
