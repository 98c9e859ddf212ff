{% macro rollup_attendance_measures() -%}
        sum(scans_count) as scans_count,
        sum(entries_count) as entries_count,
        sum(exits_count) as exits_count,
        sum(rejects_count) as rejects_count,
        sum(duplicate_rejects_count) as duplicate_rejects_count,
        sum(invalid_rejects_count) as invalid_rejects_count,
        sum(wrong_gate_rejects_count) as wrong_gate_rejects_count,
        sum(revoked_rejects_count) as revoked_rejects_count,
        sum(overrides_count) as overrides_count,
        sum(offline_count) as offline_count,
        sum(visits_count) as visits_count,
        sum(walk_up_visits_count) as walk_up_visits_count,
        sum(timed_visits_count) as timed_visits_count,
        sum(imputed_exits_count) as imputed_exits_count,
        sum(dwell_total_seconds) as dwell_total_seconds,
        sum(imputed_dwell_total_seconds) as imputed_dwell_total_seconds,
        quantilesDDMergeState(0.01, 0.5, 0.9, 0.95)(dwell_seconds_quantiles)
            as dwell_seconds_quantiles,
        groupBitmapMergeState(visitors) as visitors
{%- endmacro %}
