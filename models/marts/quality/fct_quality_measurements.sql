-- One row per build, metric, source and field, passes included; never rewritten. In every metric
-- more is worse, but for landed_per_second, which is told and not judged.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        order_by=['metric', 'source', 'field', 'measured_at'],
        partition_by='toYYYYMM(measured_at)',
        ttl='toDateTime(measured_at) + interval ' ~ var('rollup_years') ~ ' year',
    )
}}

{%- set sigmas_limit = var('quality_limits')['sigmas_from_usual'][0] | tojson %}

with arrivals as (
    select * from {{ ref('stg_landing__arrivals') }}
    where landed_minute > {{ built_at() }} - toIntervalHour({{ var('quality_hours') }})
),

checks as (
    select * from {{ ref('int_records_checked') }}
    where _built_at > {{ built_at() }} - toIntervalHour({{ var('quality_hours') }})
),

gate_checks as (
    select * from {{ ref('fct_gate_scan_checks') }}
    where built_at > {{ built_at() }} - toIntervalHour({{ var('quality_hours') }})
),

hours as (
    select * from {{ ref('int_hours_compared') }}
),

violations as (
    select * from {{ ref('fct_rule_violations') }}
    where is_open
),

summed_arrivals as (
    select
        source,
        sum(records_count) as landed_count,
        sum(refused_count) as refused_count,
        sum(news_count) as news_count,
        sum(pushed_count) as pushed_count,
        quantilesDDMerge(0.01, 0.5, 0.9, 0.95)(lateness_seconds_quantiles)[3] as lateness_p95,
        quantilesDDMerge(0.01, 0.5, 0.9, 0.95)(latency_seconds_quantiles)[3] as latency_p95,
        count() as minutes_count
    from arrivals
    group by source
),

summed_checks as (
    select
        metric,
        source,
        field,
        sum(failed_count) as failed_count,
        sum(records_count) as records_count
    from checks
    group by metric, source, field
),

figures as (
    select
        source,
        arrayJoin(
            [
                (
                    'refused_ratio',
                    refused_count / (landed_count + refused_count),
                    refused_count,
                    landed_count + refused_count
                ),
                ('lateness_seconds_p95', if(news_count = 0, null, lateness_p95), 0, news_count),
                ('latency_seconds_p95', if(pushed_count = 0, null, latency_p95), 0, pushed_count),
                ('landed_per_second', landed_count / 60 / minutes_count, 0, landed_count)
            ]
        ) as figure
    from summed_arrivals
),

of_arrivals as (
    select
        figure.1 as metric,
        source,
        '' as field,
        toNullable(toFloat64(figure.2)) as value,
        toUInt64(figure.3) as failed_count,
        toUInt64(figure.4) as records_count
    from figures
    where
        metric != 'latency_seconds_p95'
        or source in ('event_management', 'ticket_events', 'user_app')
),

staged as (
    select
        source,
        toInt64(sum(records_count)) as staged_count
    from checks
    where metric = 'duplicate_ratio' and source in ('event_management', 'user_app')
    group by source
),

-- What landed and was not staged had landed before.
of_messages as (
    select
        'landed_again_ratio' as metric,
        summed_arrivals.source as source,
        '' as field,
        toNullable(failed_count / records_count) as value,
        toUInt64(greatest(0, toInt64(records_count) - staged_count)) as failed_count,
        landed_count as records_count
    from summed_arrivals
    inner join staged
        on summed_arrivals.source = staged.source
    where landed_count > 0
),

of_gates as (
    select
        'gate_difference_ratio' as metric,
        'gate_management' as source,
        '' as field,
        failed_count / nullIf(records_count, 0) as value,
        toUInt64(sum(missing_scans_count + extra_scans_count)) as failed_count,
        toUInt64(sum(reported_entries_count)) as records_count
    from gate_checks
    having count() > 0
),

of_hours as (
    select
        'sigmas_from_usual' as metric,
        source,
        field,
        max(sigmas) as value,
        countIf(sigmas > {{ sigmas_limit }}) as failed_count,
        count(sigmas) as records_count
    from hours
    group by source, field
),

broken as (
    select
        rule,
        count() as violations_count
    from violations
    group by rule
),

rules as (
    {{ records_under_rules() }}
),

of_rules as (
    select
        'broken_rule_ratio' as metric,
        rules.source as source,
        rules.rule as field,
        failed_count / nullIf(records_count, 0) as value,
        toUInt64(coalesce(broken.violations_count, 0)) as failed_count,
        rules.records_count as records_count
    from rules
    left join broken
        on rules.rule = broken.rule
),

measured as (
    select * from of_arrivals
    union all
    select
        metric,
        source,
        field,
        toNullable(failed_count / records_count) as value,
        failed_count,
        records_count
    from summed_checks
    union all
    select * from of_messages
    union all
    select * from of_gates
    union all
    select * from of_hours
    union all
    select * from of_rules
),

limited as (
    select
        *,
        JSONExtract(
            if(
                metric = 'broken_rule_ratio',
                '{{ var("rule_limits") | tojson }}',
                '{{ var("quality_limits") | tojson }}'
            ),
            if(metric = 'broken_rule_ratio', field, metric),
            'Array(Nullable(Float64))'
        ) as limits,
        arrayMap(
            limit -> coalesce(
                value > limit
                and (
                    limit = 0
                    or metric = 'sigmas_from_usual'
                    or records_count >= {{ var('quality_min_records') }}
                ),
                false
            ),
            limits
        ) as passed_limits
    from measured
),

judged as (
    select
        '{{ invocation_id }}' as run_id,
        toLowCardinality(metric) as metric,
        toLowCardinality(source) as source,
        toLowCardinality(field) as field,
        toLowCardinality(
            multiIf(passed_limits[2], 'error', passed_limits[1], 'warn', 'pass')
        ) as status,
        value,
        limits[1] as warn_threshold,
        limits[2] as error_threshold,
        failed_count,
        records_count,
        {{ built_at() }} as measured_at
    from limited
)

select * from judged
