-- One row per month, cohort, group and priority: what became of the tickets that were created, or
-- first resolved, in it.
{{ config(order_by=['date_month', 'cohort', 'group_id', 'priority_id']) }}

{%- set measures = [
    'tickets_count', 'first_responded_count', 'first_response_timed_count',
    'first_response_business_timed_count', 'resolved_count', 'resolution_timed_count',
    'resolution_business_timed_count', 'reopen_ripe_count', 'reopened_soon_count',
    'first_contact_ripe_count', 'first_contact_resolved_count', 'one_touch_count',
    'surveyed_count', 'satisfied_count', 'first_response_total_seconds',
    'first_response_business_total_seconds', 'resolution_total_seconds',
    'resolution_business_total_seconds'
] %}

with finer as (
    select * from {{ ref('rollup_ticket_cohorts_daily') }}
),

summed as (
    select
        group_id,
        priority_id,
        cohort,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        quantilesDDMergeState(0.01, 0.5, 0.9, 0.95)(first_response_seconds_quantiles)
            as first_response_seconds_quantiles,
        quantilesDDMergeState(0.01, 0.5, 0.9, 0.95)(resolution_seconds_quantiles)
            as resolution_seconds_quantiles,
        toStartOfMonth(date_day) as date_month
    from finer
    group by date_month, cohort, group_id, priority_id
)

select * from summed
