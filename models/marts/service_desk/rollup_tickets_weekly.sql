-- One row per week from Monday, group and priority: the tickets that reached a milestone in it.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['date_week', 'group_id', 'priority_id'],
        partition_by='toYear(date_week)',
        ttl='date_week + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_history_loss('date_week', ref('rollup_tickets_daily'), 'toMonday(date_day)', by_age=true) }}",
            "{{ delete_touched_buckets('date_week', 'toMonday', ref('rollup_tickets_daily'), 'date_day') }}",
        ],
    )
}}

with finer as (
    select *
    from {{ ref('rollup_tickets_daily') }}
    where toMonday(date_day) >= {{ rollup_horizon() }}
),

touched_buckets as (
    {{ touched_buckets('toMonday', ref('rollup_tickets_daily'), 'date_day') }}
),

summed as (
    select
        group_id,
        priority_id,
        {{ rollup_ticket_measures() }},
        toMonday(date_day) as date_week,
        {{ built_at() }} as built_at
    from finer
    {%- if is_incremental() %}
    where date_week in (select bucket from touched_buckets)
    {%- endif %}
    group by date_week, group_id, priority_id
)

select * from summed
