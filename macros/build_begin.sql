{% macro build_begin() -%}
    select toString(greatest(now64(6, 'UTC'), max(started_at)) + toIntervalMicrosecond(1))
    from {{ model_builds() }}
{%- endmacro %}
