-- One row per scan at a gate, and what it did to the stay of whoever was scanned. An event with a
-- new scan is paired anew as a whole, so the order in which scans came cannot matter.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'user_key', 'scanned_at'],
        partition_by='toYYYYMM(received_at)',
        indexes=[{'name': 'built', 'definition': 'built_at type minmax granularity 1'}],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('(event_id, message_id)', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
    where type in ('check_in', 'check_out')
),

touched as (
    select distinct event_id
    from app_events
    where {{ built_since_last_build('built_at') }}
),

scans as (
    select
        * except (type, occurred_at),
        if(type = 'check_in', 'in', 'out') as direction,
        is_override or coalesce(result = 'ok', false) as is_admitted,
        occurred_at as scanned_at
    from app_events
    where event_id in (select event_id from touched)
),

-- Only who is let through moves: the refused have a window of their own, of which nothing is used.
followed as (
    select
        *,
        lagInFrame(direction, 1, '') over (
            partition by event_id, user_key, is_admitted
            order by scanned_at, received_at, seq, message_id
            rows between 1 preceding and current row
        ) as previous_direction,
        is_admitted and direction = 'in' and previous_direction != 'in' as is_entry,
        is_admitted and direction = 'out' and previous_direction = 'in' as is_exit
    from scans
),

measured as (
    select
        *,
        max(if(is_exit, toNullable(scanned_at), null)) over (
            partition by event_id, user_key, is_admitted
            order by scanned_at, received_at, seq, message_id
            rows between unbounded preceding and 1 preceding
        ) as last_exit_at,
        is_entry and coalesce(
            scanned_at >= last_exit_at + toIntervalSecond({{ var('reentry_seconds') }}), true
        ) as is_beginning
    from followed
),

numbered as (
    select
        *,
        sum(is_beginning) over (
            partition by event_id, user_key, is_admitted
            order by scanned_at, received_at, seq, message_id
            rows between unbounded preceding and current row
        ) as visits_begun,
        multiIf(
            not is_admitted, 'refused',
            is_beginning, 'entry',
            is_entry, 're_entry',
            direction = 'in', 'repeat',
            is_exit, 'exit',
            'stray_exit'
        ) as effect
    from measured
),

described as (
    select
        message_id,
        event_id,
        coalesce(gate_id, '') as gate_id,
        user_key,
        device_id,
        registration_id,
        toLowCardinality(direction) as direction,
        toLowCardinality(coalesce(result, 'unknown')) as result,
        toLowCardinality(effect) as scan_effect,
        zone,
        occurred_at_rule,
        lane,
        if(effect in ('refused', 'stray_exit'), null, toUInt16(visits_begun)) as visit_number,
        seq,
        toBool(is_admitted) as is_admitted,
        is_override,
        is_offline,
        scanned_at,
        received_at,
        {{ built_at() }} as built_at
    from numbered
)

select * from described
