{% macro hours_from_usual(source_name, series, model, hour, count) -%}
    select
        'sigmas_from_usual' as metric,
        '{{ source_name }}' as source,
        '{{ series }}' as field,
        maxOrNull(sigmas) as value,
        countIf(sigmas > JSONExtractFloat('{{ var("quality_limits") | tojson }}', 'sigmas_from_usual', 1)) as failed_count,
        count() as records_count
    from (
        select
            -- Counts scatter by the root of their mean at least, also where few weeks happened not to.
            abs(anyIf(counted, week = 0) - avgIf(counted, week > 0))
            / greatest(1, sqrt(avgIf(counted, week > 0)), stddevSampIf(counted, week > 0)) as sigmas
        from (
            select
                slots.back as back,
                slots.week as week,
                coalesce(hours.counted, 0) as counted
            from (
                -- The last hour may still be going on; an hour in which nothing happened has no row.
                select
                    arrayJoin(range(1, 25)) as back,
                    arrayJoin(range(0, {{ var('anomaly_weeks') }} + 1)) as week,
                    (select maxOrNull({{ hour }}) from {{ model }}) as last_hour,
                    last_hour - toIntervalHour(back + 168 * week) as slot
                where slot >= (select minOrNull({{ hour }}) from {{ model }})
            ) as slots
            left join (
                select {{ hour }} as slot, sum({{ count }}) as counted
                from {{ model }}
                where
                    {{ hour }} >= (select max({{ hour }}) from {{ model }})
                    - toIntervalWeek({{ var('anomaly_weeks') }}) - toIntervalDay(1)
                group by slot
            ) as hours
                on slots.slot = hours.slot
        )
        group by back
        having countIf(week > 0) >= {{ var('anomaly_min_weeks') }}
    )
{%- endmacro %}
