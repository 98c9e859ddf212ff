-- One row per month, SLA metric, group and priority: the limits that were kept, and those that
-- passed, in it.
{{ config(order_by=['date_month', 'metric', 'group_id', 'priority_id']) }}

with finer as (
    select * from {{ ref('rollup_sla_outcomes_daily') }}
),

summed as (
    select
        group_id,
        priority_id,
        metric,
        sum(met_count) as met_count,
        sum(breached_count) as breached_count,
        sum(running_breached_count) as running_breached_count,
        toStartOfMonth(date_day) as date_month
    from finer
    group by date_month, metric, group_id, priority_id
)

select * from summed
