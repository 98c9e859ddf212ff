-- One row per hour, group and priority: the tickets that reached a milestone in that hour.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['date_hour', 'group_id', 'priority_id'],
        partition_by='toYYYYMM(date_hour)',
        ttl='date_hour + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_history_loss('date_hour', ref('fct_tickets'), 'toStartOfHour(created_at)', by_age=true) }}",
            "{{ delete_touched_buckets('date_hour', 'toStartOfHour') }}",
        ],
    )
}}

with tickets as (
    select *
    from {{ ref('fct_tickets') }}
    where excluded_reason is null
),

touched_hours as (
    {{ touched_buckets('toStartOfHour') }}
),

milestones as (
    select
        group_id,
        priority_id,
        moment.1 as milestone,
        first_response_seconds,
        first_response_business_seconds,
        resolution_seconds,
        toStartOfHour(assumeNotNull(moment.2)) as date_hour
    from tickets
    array join
        [
            ('created', created_at),
            ('first_responded', first_responded_at),
            ('resolved', resolved_at),
            ('closed', closed_at)
        ] as moment
    where moment.2 is not null and moment.2 >= {{ rollup_horizon() }}
),

counted as (
    select
        group_id,
        priority_id,
        countIf(milestone = 'created') as created_count,
        countIf(milestone = 'first_responded') as first_responded_count,
        countIf(first_response_seconds, milestone = 'first_responded')
            as first_response_timed_count,
        countIf(first_response_business_seconds, milestone = 'first_responded')
            as first_response_business_timed_count,
        countIf(milestone = 'resolved') as resolved_count,
        countIf(resolution_seconds, milestone = 'resolved') as resolution_timed_count,
        countIf(milestone = 'closed') as closed_count,
        sumIf(coalesce(first_response_seconds, 0), milestone = 'first_responded')
            as first_response_total_seconds,
        sumIf(coalesce(first_response_business_seconds, 0), milestone = 'first_responded')
            as first_response_business_total_seconds,
        sumIf(coalesce(resolution_seconds, 0), milestone = 'resolved') as resolution_total_seconds,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(
            assumeNotNull(first_response_seconds),
            milestone = 'first_responded' and first_response_seconds is not null
        ) as first_response_seconds_quantiles,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(
            assumeNotNull(resolution_seconds),
            milestone = 'resolved' and resolution_seconds is not null
        ) as resolution_seconds_quantiles,
        date_hour,
        {{ built_at() }} as built_at
    from milestones
    {%- if is_incremental() %}
    where date_hour in (select bucket from touched_hours)
    {%- endif %}
    group by date_hour, group_id, priority_id
)

select * from counted
