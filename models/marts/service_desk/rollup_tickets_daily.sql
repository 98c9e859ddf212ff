-- One row per day, group and priority: the tickets that reached a milestone in it.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['date_day', 'group_id', 'priority_id'],
        partition_by='toYear(date_day)',
        ttl='date_day + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_history_loss('date_day', ref('rollup_tickets_hourly'), 'toDate(date_hour)', by_age=true) }}",
            "{{ delete_touched_buckets('date_day', 'toDate', ref('rollup_tickets_hourly'), 'date_hour') }}",
        ],
    )
}}

with finer as (
    select *
    from {{ ref('rollup_tickets_hourly') }}
    where toDate(date_hour) >= {{ rollup_horizon() }}
),

touched_buckets as (
    {{ touched_buckets('toDate', ref('rollup_tickets_hourly'), 'date_hour') }}
),

summed as (
    select
        group_id,
        priority_id,
        {{ rollup_ticket_measures() }},
        toDate(date_hour) as date_day,
        {{ built_at() }} as built_at
    from finer
    {%- if is_incremental() %}
    where date_day in (select bucket from touched_buckets)
    {%- endif %}
    group by date_day, group_id, priority_id
)

select * from summed
