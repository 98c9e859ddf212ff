-- Fails on every bucket and gate in which a rollup of gates differs from the fact. An event of which the
-- fact has lost minutes to its TTL is left out.
{% test adds_up_to_gate_minutes(model, minutes, column, bucket) %}
    with whole as (
        select counted.event_id as event_id
        from (select event_id, count() as minutes_count from {{ minutes }} group by event_id) as counted
        left join (
            select event_id, sum(lane_minutes_count) as minutes_count from {{ model }} group by event_id
        ) as rolled
            on counted.event_id = rolled.event_id
        where counted.minutes_count >= coalesce(rolled.minutes_count, 0)
    ),

    both as (
        select
            event_id,
            toString(gate_id) as gate,
            {{ bucket }}(minute_at) as bucket,
            [
                count(),
                sum(is_corrected),
                count(queue_length),
                sum(entries_count),
                sumIf(entries_count, queue_length is not null),
                sum(exits_count),
                sum(duplicate_rejects_count),
                sum(invalid_rejects_count),
                sum(wrong_gate_rejects_count),
                sum(revoked_rejects_count),
                sum(manual_overrides_count),
                sum(coalesce(queue_length, 0))
            ] as figures
        from {{ minutes }}
        where event_id in (select event_id from whole)
        group by event_id, gate, bucket
        union all
        select
            event_id,
            toString(gate_id) as gate,
            {{ column }} as bucket,
            [
                sum(lane_minutes_count), sum(corrected_lane_minutes_count),
                sum(queue_timed_lane_minutes_count), sum(entries_count), sum(queued_entries_count),
                sum(exits_count), sum(duplicate_rejects_count), sum(invalid_rejects_count),
                sum(wrong_gate_rejects_count), sum(revoked_rejects_count), sum(overrides_count),
                sum(queue_length_total)
            ] as figures
        from {{ model }}
        where event_id in (select event_id from whole)
        group by event_id, gate, bucket
    )

    select
        event_id,
        gate,
        bucket,
        groupArray(figures) as all_figures
    from both
    group by event_id, gate, bucket
    having count() != 2 or length(arrayDistinct(all_figures)) != 1
{% endtest %}
