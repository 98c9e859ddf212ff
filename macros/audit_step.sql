{% macro audit_step(source, step, above, below, is_kept_whole=false, settles=true) -%}
    select
        '{{ source }}' as source,
        '{{ step }}' as step,
        '{{ above.of.schema }}.{{ above.of.identifier }}' as layer_above,
        '{{ below.of.schema }}.{{ below.of.identifier }}' as layer_below,
        window_day,
        sumIf(records_count, is_above) as above_records_count,
        sumIf(records_count, not is_above) as below_records_count,
        sumIf(row_key, is_above) as above_checksum,
        sumIf(row_key, not is_above) as below_checksum,
        toBool(max(is_young)) as is_unbuilt
    from (
        {%- for side in (above, below) %}
        select
            toDate({{ side.day }}) as window_day,
            cityHash64({{ side.key }}) as row_key,
            toUInt64({{ side.records or 1 }}) as records_count,
            {{ 'true' if loop.first else 'false' }} as is_above,
            {#- What was written before the next layer began to read is in it: all else may be yet to come. #}
            {% if loop.first and settles -%}
            {{ side.stamp }} > (
                select max(started_at)
                from {{ model_builds() }}
                where model = '{{ below.of.identifier }}' and finished_at is not null
            ) - toIntervalSecond({{ var('landing_grace_seconds') if step == 'raw_to_staging' else 0 }})
            {%- else -%}
            false
            {%- endif %} as is_young
        from {{ side.rows or side.of }}
        {%- if side.where %}
        where {{ side.where }}
        {%- endif %}
        {%- if side.by %}
        group by {{ side.by }}
        {%- endif %}
        {{- '\n        union all' if loop.first }}
        {%- endfor %}
    )
    {%- if not is_kept_whole %}
    where window_day >= toDate(now('UTC') - interval {{ var('detail_months') }} month + interval 1 day)
    {%- endif %}
    group by window_day
{%- endmacro %}
