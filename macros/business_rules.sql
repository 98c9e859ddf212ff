{% macro business_rules() -%}
    {#- Of each model: source, record, what is looked at again, and rules: name, whom it is about, when broken, details. -#}
    {{- return([
        (
            ref('fct_tickets'), 'freshservice', 'toString(ticket_id)',
            built_since_last_build('built_at') ~ ' or (is_open and priority_id = 4)',
            [
                (
                    'milestone_before_creation', 'true',
                    'least(created_at, first_responded_at, resolved_at, closed_at) < created_at',
                    "concat('created ', toString(created_at), ', first milestone ',"
                    ~ " toString(least(created_at, first_responded_at, resolved_at, closed_at)))",
                ),
                (
                    'urgent_ticket_over_4_hours', 'priority_id = 4 and excluded_reason is null',
                    "dateDiff('second', created_at, coalesce(resolved_at, " ~ as_of() ~ ")) > 3600 * "
                    ~ var('urgent_hours'),
                    "concat('created ', toString(created_at), ', resolved ', coalesce(toString(resolved_at), 'not yet'))",
                ),
            ],
        ),
        (
            ref('fct_visits'), 'user_app', "concat(event_id, ' ', entry_gate_id, ' ', toString(entered_at))",
            built_since_last_build('built_at'),
            [
                (
                    'negative_dwell', 'true', 'dwell_seconds < 0 or left_at < entered_at',
                    "concat('entered ', toString(entered_at), ', left ', toString(left_at))",
                ),
            ],
        ),
        (
            ref('fct_event_attendances'), 'user_app', 'event_id', built_since_last_build('built_at'),
            [
                (
                    'occupancy_above_capacity', 'utilisation_ratio is not null', 'utilisation_ratio > 1',
                    "concat(toString(peak_inside_count), ' inside at ', toString(peak_at))",
                ),
            ],
        ),
        (
            ref('dim_events'), 'event_management', 'event_id', 'true',
            [
                (
                    'event_ends_before_it_starts', 'has_details',
                    'ends_at < starts_at or starts_at < doors_open_at',
                    "concat('doors ', toString(doors_open_at), ', start ', toString(starts_at), ', end ', toString(ends_at))",
                ),
            ],
        ),
        (
            ref('fct_gate_minutes'), 'gate_management',
            "concat(event_id, ' ', gate_id, ' ', toString(lane), ' ', toString(minute_at))",
            built_since_last_build('built_at'),
            [
                (
                    'more_overrides_than_entries', 'true', 'manual_overrides_count > entries_count',
                    "concat(toString(manual_overrides_count), ' by hand, ', toString(entries_count), ' entries')",
                ),
            ],
        ),
        (
            ref('stg_integrated_platform__analytics'), 'integrated_platform',
            "concat(organization_id, ' ', event_id, ' ', channel, ' ', toString(hour_at))",
            built_since_last_build(),
            [
                (
                    'more_signups_than_visitors', 'true', 'signups_count > visitors_count',
                    "concat(toString(signups_count), ' signups, ', toString(visitors_count), ' visitors')",
                ),
            ],
        ),
    ]) -}}
{%- endmacro %}
