-- One row per day, metric, source and field: how often it was measured, and how it came out.
{{
    config(
        materialized='incremental',
        unique_key=['date_day', 'metric', 'source', 'field'],
        order_by=['metric', 'source', 'field', 'date_day'],
        ttl='date_day + interval ' ~ var('rollup_years') ~ ' year',
    )
}}

with measurements as (
    select * from {{ ref('fct_quality_measurements') }}
),

touched_days as (
    select toDate(measured_at) as date_day
    from measurements
    where {{ built_since_last_build('measured_at') }}
),

summed as (
    select
        metric,
        source,
        field,
        toLowCardinality(argMax(status, measured_at)) as last_status,
        count() as builds_count,
        countIf(status = 'warn') as warnings_count,
        countIf(status = 'error') as errors_count,
        max(value) as value_max,
        argMax(tuple(value), measured_at).1 as last_value,
        toDate(measured_at) as date_day,
        {{ built_at() }} as built_at
    from measurements
    where toDate(measured_at) in (select date_day from touched_days)
    group by metric, source, field, date_day
)

select * from summed
