-- One row per phone or scanner that the app runs on, as its latest message describes it.
{{
    config(
        materialized='incremental',
        unique_key='device_id',
        order_by='device_id',
        pre_hook="{{ refuse_history_loss('device_id', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
    where device_id is not null
),

touched as (
    select distinct device_id
    from app_events
    where {{ built_since_last_build('built_at') }}
),

latest as (
    select
        assumeNotNull(device_id) as device_id,
        argMax(
            tuple(os, os_version, model, app_version),
            (received_at, seq, message_id)
        ) as details,
        max(type in ('check_in', 'check_out')) as is_scanner
    from app_events
    where device_id in (select device_id from touched)
    group by device_id
),

described as (
    select
        device_id,
        toLowCardinality(details.1) as os,
        toLowCardinality(details.2) as os_version,
        toLowCardinality(details.3) as model,
        toLowCardinality(details.4) as app_version,
        toBool(is_scanner) as is_scanner,
        {{ built_at() }} as built_at
    from latest
)

select * from described
