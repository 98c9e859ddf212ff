-- One row per day, SLA metric, group and priority: the limits that were kept, and those that
-- passed, on that day. What still runs within its limit has no day yet.
{{ config(order_by=['date_day', 'metric', 'group_id', 'priority_id']) }}

with outcomes as (
    select * from {{ ref('fct_sla_outcomes') }}
    where outcome in ('met', 'breached', 'running_breached')
),

counted as (
    select
        group_id,
        priority_id,
        metric,
        countIf(outcome = 'met') as met_count,
        countIf(outcome = 'breached') as breached_count,
        countIf(outcome = 'running_breached') as running_breached_count,
        toDate(assumeNotNull(coalesce(breached_at, done_at))) as date_day
    from outcomes
    group by date_day, metric, group_id, priority_id
)

select * from counted
