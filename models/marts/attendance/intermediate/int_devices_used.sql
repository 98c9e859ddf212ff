-- One row per event and phone or scanner that was used there, as its latest message from there
-- describes it. An event with a new message is folded anew as a whole.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'device_id'],
        indexes=[{'name': 'built', 'definition': '_built_at type minmax granularity 1'}],
        ttl='toDateTime(_built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('event_id', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
),

touched as (
    select distinct event_id
    from app_events
    where {{ built_since_last_build('built_at') }}
),

latest as (
    select
        event_id,
        assumeNotNull(device_id) as device_id,
        max((received_at, seq, message_id)) as last_message,
        argMax(tuple(os, os_version, model, app_version), (received_at, seq, message_id))
            as details,
        max(type in ('check_in', 'check_out')) as is_scanner
    from app_events
    where event_id in (select event_id from touched) and device_id is not null
    group by event_id, device_id
),

described as (
    select
        event_id,
        device_id,
        toLowCardinality(details.1) as os,
        toLowCardinality(details.2) as os_version,
        toLowCardinality(details.3) as model,
        toLowCardinality(details.4) as app_version,
        toBool(is_scanner) as is_scanner,
        last_message.1 as received_at,
        last_message.2 as seq,
        last_message.3 as message_id,
        {{ built_at() }} as _built_at
    from latest
)

select * from described
