-- One row per month and group: the month's days added up, and what was open when it ended.
{{ config(order_by=['date_month', 'group_id']) }}

with finer as (
    select * from {{ ref('rollup_groups_daily') }}
),

summed as (
    select
        group_id,
        argMax(members_count, date_day) as members_count,
        sum(resolved_count) as resolved_count,
        sum(first_responded_count) as first_responded_count,
        sum(replied_count) as replied_count,
        sum(noted_count) as noted_count,
        sum(handed_over_count) as handed_over_count,
        sum(surveyed_count) as surveyed_count,
        sum(satisfied_count) as satisfied_count,
        sum(first_response_breached_count) as first_response_breached_count,
        sum(next_response_breached_count) as next_response_breached_count,
        sum(resolution_breached_count) as resolution_breached_count,
        argMax(open_count, date_day) as open_count,
        sum(load_gini_numerator) as load_gini_numerator,
        sum(load_gini_denominator) as load_gini_denominator,
        sum(logged_seconds) as logged_seconds,
        sum(billable_seconds) as billable_seconds,
        sum(business_seconds) as business_seconds,
        sum(available_seconds) as available_seconds,
        toStartOfMonth(date_day) as date_month
    from finer
    group by date_month, group_id
)

select * from summed
