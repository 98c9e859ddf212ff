-- One row per event, gate and minute, once merged: who was let in, let out and refused, as landed.
{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
        engine='AggregatingMergeTree()',
        order_by=['event_id', 'gate_id', 'date_minute'],
        partition_by='toYYYYMM(date_minute)',
        ttl='toDateTime(landed_at) + interval ' ~ var('detail_months') ~ ' month',
    )
}}

with app_events as (
    select * from {{ source('user_app', 'events') }}
    where false
),

flow as (
    {{ live_gate_flow('app_events') }}
)

select * from flow
