-- One row per phone or scanner that the app runs on, as its latest message describes it.
{{
    config(
        materialized='incremental',
        unique_key='device_id',
        order_by='device_id',
        pre_hook="{{ refuse_history_loss('device_id', ref('int_devices_used')) }}",
    )
}}

with uses as (
    select * from {{ ref('int_devices_used') }}
),

touched as (
    select distinct device_id
    from uses
    where {{ built_since_last_build() }}
),

latest as (
    select
        device_id,
        argMax(tuple(os, os_version, model, app_version), (received_at, seq, message_id))
            as details,
        max(is_scanner) as has_scanned
    from uses
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
        toBool(has_scanned) as is_scanner,
        {{ built_at() }} as built_at
    from latest
)

select * from described
