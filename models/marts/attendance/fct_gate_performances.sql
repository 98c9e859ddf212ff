-- One row per event and gate, by the gate's own counters: whom it let through, and how fast.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'gate_id'],
        ttl='toDateTime(first_minute_at) + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook="{{ refuse_event_loss(ref('fct_gate_minutes'), 'count()', 'lane_minutes_count') }}",
    )
}}

with touched_events as (
    {{ whole_events(
        ref('fct_gate_minutes'), 'count()', 'lane_minutes_count', [ref('fct_gate_minutes')]
    ) }}
),

minutes as (
    select * from {{ ref('fct_gate_minutes') }}
    where event_id in (select event_id from touched_events)
),

-- Busy is a lane that lets through nearly as many as it ever does.
paced as (
    select
        event_id,
        gate_id,
        lane,
        minute_at,
        entries_count > 0
        and entries_count >= {{ var('saturated_ratio') }}
        * quantileExact(0.95)(entries_count) over (partition by event_id, gate_id, lane) as is_busy
    from minutes
),

-- Minutes that follow one another stand at one distance from their number.
spells as (
    select
        event_id,
        gate_id,
        lane,
        toUnixTimestamp(minute_at) - 60 * row_number() over (
            partition by event_id, gate_id, lane order by minute_at
        ) as spell
    from paced
    where is_busy
),

saturated_spells as (
    select
        event_id,
        gate_id,
        count() as spell_minutes_count
    from spells
    group by event_id, gate_id, lane, spell
    having spell_minutes_count >= {{ var('saturated_minutes') }}
),

saturated as (
    select
        event_id,
        gate_id,
        sum(spell_minutes_count) as saturated_lane_minutes_count
    from saturated_spells
    group by event_id, gate_id
),

gate_minutes as (
    select
        event_id,
        gate_id,
        toUnixTimestamp(minute_at) as minute,
        sum(minutes.entries_count) as entries_count,
        sumIf(minutes.entries_count, minutes.queue_length is not null) as queued_entries_count,
        sum(coalesce(minutes.queue_length, 0)) as queue_length
    from minutes
    group by event_id, gate_id, minute
),

windows as (
    select
        event_id,
        gate_id,
        minute,
        sum(gate_minutes.entries_count) over quarter as quarter_entries_count,
        -- Little: who waits over who gets through in a minute is how many minutes the wait lasts.
        60 * sum(gate_minutes.queue_length) over quarter
        / nullIf(sum(queued_entries_count) over quarter, 0) as quarter_wait_seconds
    from gate_minutes
    window quarter as (
        partition by event_id, gate_id
        order by minute
        range between current row and 899 following
    )
),

quarters as (
    select
        event_id,
        gate_id,
        max(quarter_entries_count) as busiest_quarter_entries_count,
        max(quarter_wait_seconds) as estimated_wait_seconds_max,
        argMax(toDateTime(minute, 'UTC'), (quarter_entries_count, -toInt64(minute)))
            as busiest_quarter_at
    from windows
    group by event_id, gate_id
),

counted as (
    select
        event_id,
        gate_id,
        toLowCardinality(coalesce(max(minutes.zone), 'Unknown')) as zone,
        uniqExact(lane) as lanes_count,
        count() as lane_minutes_count,
        sum(minutes.entries_count) as entries_count,
        sum(minutes.exits_count) as exits_count,
        sum(minutes.duplicate_rejects_count) as duplicate_rejects_count,
        sum(minutes.invalid_rejects_count) as invalid_rejects_count,
        sum(minutes.wrong_gate_rejects_count) as wrong_gate_rejects_count,
        sum(minutes.revoked_rejects_count) as revoked_rejects_count,
        sum(minutes.rejects_count) as rejects_count,
        sum(minutes.manual_overrides_count) as overrides_count,
        countIf(is_corrected) as corrected_lane_minutes_count,
        60 * sum(coalesce(minutes.queue_length, 0))
        / nullIf(sumIf(minutes.entries_count, minutes.queue_length is not null), 0)
            as estimated_wait_seconds_mean,
        min(minute_at) as first_minute_at,
        max(minute_at) as last_minute_at
    from minutes
    group by event_id, gate_id
),

described as (
    select
        counted.event_id as event_id,
        counted.gate_id as gate_id,
        counted.zone as zone,
        counted.lanes_count as lanes_count,
        counted.lane_minutes_count as lane_minutes_count,
        counted.entries_count as entries_count,
        counted.exits_count as exits_count,
        counted.rejects_count as rejects_count,
        counted.duplicate_rejects_count as duplicate_rejects_count,
        counted.invalid_rejects_count as invalid_rejects_count,
        counted.wrong_gate_rejects_count as wrong_gate_rejects_count,
        counted.revoked_rejects_count as revoked_rejects_count,
        counted.overrides_count as overrides_count,
        counted.corrected_lane_minutes_count as corrected_lane_minutes_count,
        coalesce(saturated.saturated_lane_minutes_count, 0) as saturated_lane_minutes_count,
        quarters.busiest_quarter_entries_count as busiest_quarter_entries_count,
        counted.entries_count / counted.lane_minutes_count as entries_per_lane_minute,
        counted.duplicate_rejects_count / nullIf(counted.entries_count + counted.rejects_count, 0)
            as duplicate_ratio,
        counted.overrides_count / nullIf(counted.entries_count, 0) as override_ratio,
        counted.estimated_wait_seconds_mean as estimated_wait_seconds_mean,
        quarters.estimated_wait_seconds_max as estimated_wait_seconds_max,
        toBool(saturated_lane_minutes_count > 0) as is_saturated,
        counted.first_minute_at as first_minute_at,
        counted.last_minute_at as last_minute_at,
        quarters.busiest_quarter_at as busiest_quarter_at,
        {{ built_at() }} as built_at
    from counted
    left join saturated
        on counted.event_id = saturated.event_id and counted.gate_id = saturated.gate_id
    left join quarters
        on counted.event_id = quarters.event_id and counted.gate_id = quarters.gate_id
)

select * from described
