{% macro rollup_ticket_measures() -%}
        sum(created_count) as created_count,
        sum(first_responded_count) as first_responded_count,
        sum(first_response_timed_count) as first_response_timed_count,
        sum(first_response_business_timed_count) as first_response_business_timed_count,
        sum(resolved_count) as resolved_count,
        sum(resolution_timed_count) as resolution_timed_count,
        sum(closed_count) as closed_count,
        sum(first_response_total_seconds) as first_response_total_seconds,
        sum(first_response_business_total_seconds) as first_response_business_total_seconds,
        sum(resolution_total_seconds) as resolution_total_seconds,
        quantilesDDMergeState(0.01, 0.5, 0.9, 0.95)(first_response_seconds_quantiles)
            as first_response_seconds_quantiles,
        quantilesDDMergeState(0.01, 0.5, 0.9, 0.95)(resolution_seconds_quantiles)
            as resolution_seconds_quantiles
{%- endmacro %}
