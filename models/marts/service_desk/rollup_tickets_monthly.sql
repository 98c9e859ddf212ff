-- One row per month, group and priority: the tickets that reached a milestone in it.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['date_month', 'group_id', 'priority_id'],
        partition_by='toYear(date_month)',
        ttl='date_month + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_history_loss('date_month', ref('rollup_tickets_daily'), 'toStartOfMonth(date_day)', by_age=true) }}",
            "{{ delete_touched_buckets('date_month', 'toStartOfMonth', ref('rollup_tickets_daily'), 'date_day') }}",
        ],
    )
}}

with finer as (
    select *
    from {{ ref('rollup_tickets_daily') }}
    where toStartOfMonth(date_day) >= {{ rollup_horizon() }}
),

touched_buckets as (
    {{ touched_buckets('toStartOfMonth', ref('rollup_tickets_daily'), 'date_day') }}
),

summed as (
    select
        group_id,
        priority_id,
        {{ rollup_ticket_measures() }},
        toStartOfMonth(date_day) as date_month,
        {{ built_at() }} as built_at
    from finer
    {%- if is_incremental() %}
    where date_month in (select bucket from touched_buckets)
    {%- endif %}
    group by date_month, group_id, priority_id
)

select * from summed
