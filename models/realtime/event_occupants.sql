-- One row per event and person, once merged: which way they last went through a gate, as landed.
{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
        engine='AggregatingMergeTree()',
        order_by=['event_id', 'user_key'],
        ttl='toDateTime(landed_at) + interval ' ~ var('detail_months') ~ ' month',
    )
}}

with app_events as (
    select * from {{ source('user_app', 'events') }}
    where false
),

occupants as (
    {{ live_occupants('app_events') }}
)

select * from occupants
