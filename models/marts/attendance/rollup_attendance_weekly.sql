-- One row per week, event and gate: the scans of that week, and the visits that began in it.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'gate_id', 'date_week'],
        order_by=['event_id', 'gate_id', 'date_week'],
        partition_by='toYear(date_week)',
        settings={'index_granularity': 64},
        ttl='date_week + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_event_loss(ref('rollup_attendance_daily'), 'sum(scans_count)', 'scans_count') }}",
            "{{ delete_emptied_buckets(
                'date_week', ref('rollup_attendance_daily'), 'toMonday(date_day)', 'sum(scans_count)', 'scans_count',
                [ref('fct_scans'), ref('fct_visits')]
            ) }}",
        ],
    )
}}

with touched_events as (
    {{ whole_events(
        ref('rollup_attendance_daily'), 'sum(scans_count)', 'scans_count', [ref('fct_scans'), ref('fct_visits')]
    ) }}
),

finer as (
    select * from {{ ref('rollup_attendance_daily') }}
    where event_id in (select event_id from touched_events)
),

summed as (
    select
        event_id,
        gate_id,
        toLowCardinality(max(finer.zone)) as zone,
        {{ rollup_attendance_measures() }},
        toMonday(date_day) as date_week,
        {{ built_at() }} as built_at
    from finer
    group by event_id, gate_id, date_week
),

{{ changed_rows('summed') }}

select * from changed
