-- One row per day, event and gate, by the gate's own counters.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'gate_id', 'date_day'],
        order_by=['event_id', 'gate_id', 'date_day'],
        partition_by='toYear(date_day)',
        settings={'index_granularity': 64},
        ttl='date_day + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_event_loss(ref('rollup_gates_hourly'), 'sum(lane_minutes_count)', 'lane_minutes_count') }}",
            "{{ delete_emptied_buckets(
                'date_day', ref('rollup_gates_hourly'), 'toDate(date_hour)', 'sum(lane_minutes_count)', 'lane_minutes_count',
                [ref('fct_gate_minutes')]
            ) }}",
        ],
    )
}}

with touched_events as (
    {{ whole_events(
        ref('rollup_gates_hourly'), 'sum(lane_minutes_count)', 'lane_minutes_count', [ref('fct_gate_minutes')]
    ) }}
),

finer as (
    select * from {{ ref('rollup_gates_hourly') }}
    where event_id in (select event_id from touched_events)
),

summed as (
    select
        event_id,
        gate_id,
        toLowCardinality(max(finer.zone)) as zone,
        {{ rollup_gate_measures() }},
        toDate(date_hour) as date_day,
        {{ built_at() }} as built_at
    from finer
    group by event_id, gate_id, date_day
),

{{ changed_rows('summed') }}

select * from changed
