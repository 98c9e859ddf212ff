{% macro rollup_gate_measures() -%}
        sum(lane_minutes_count) as lane_minutes_count,
        sum(corrected_lane_minutes_count) as corrected_lane_minutes_count,
        sum(queue_timed_lane_minutes_count) as queue_timed_lane_minutes_count,
        sum(entries_count) as entries_count,
        sum(queued_entries_count) as queued_entries_count,
        sum(exits_count) as exits_count,
        sum(duplicate_rejects_count) as duplicate_rejects_count,
        sum(invalid_rejects_count) as invalid_rejects_count,
        sum(wrong_gate_rejects_count) as wrong_gate_rejects_count,
        sum(revoked_rejects_count) as revoked_rejects_count,
        sum(overrides_count) as overrides_count,
        sum(queue_length_total) as queue_length_total
{%- endmacro %}
