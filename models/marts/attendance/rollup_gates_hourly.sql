-- One row per hour, event and gate, by the gate's own counters.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'gate_id', 'date_hour'],
        order_by=['event_id', 'gate_id', 'date_hour'],
        partition_by='toYYYYMM(date_hour)',
        settings={'index_granularity': 64},
        ttl='date_hour + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_event_loss(ref('fct_gate_minutes'), 'count()', 'lane_minutes_count') }}",
            "{{ delete_emptied_buckets(
                'date_hour', ref('fct_gate_minutes'), 'toStartOfHour(minute_at)', 'count()', 'lane_minutes_count',
                [ref('fct_gate_minutes')]
            ) }}",
        ],
    )
}}

with touched_events as (
    {{ whole_events(
        ref('fct_gate_minutes'), 'count()', 'lane_minutes_count', [ref('fct_gate_minutes')]
    ) }}
),

finer as (
    select * from {{ ref('fct_gate_minutes') }}
    where event_id in (select event_id from touched_events)
),

summed as (
    select
        event_id,
        gate_id,
        toLowCardinality(coalesce(max(finer.zone), 'Unknown')) as zone,
        count() as lane_minutes_count,
        countIf(is_corrected) as corrected_lane_minutes_count,
        countIf(queue_length is not null) as queue_timed_lane_minutes_count,
        sum(finer.entries_count) as entries_count,
        sumIf(finer.entries_count, queue_length is not null) as queued_entries_count,
        sum(finer.exits_count) as exits_count,
        sum(finer.duplicate_rejects_count) as duplicate_rejects_count,
        sum(finer.invalid_rejects_count) as invalid_rejects_count,
        sum(finer.wrong_gate_rejects_count) as wrong_gate_rejects_count,
        sum(finer.revoked_rejects_count) as revoked_rejects_count,
        sum(finer.manual_overrides_count) as overrides_count,
        sum(coalesce(queue_length, 0)) as queue_length_total,
        toStartOfHour(minute_at) as date_hour,
        {{ built_at() }} as built_at
    from finer
    group by event_id, gate_id, date_hour
),

{{ changed_rows('summed') }}

select * from changed
