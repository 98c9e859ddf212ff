{% macro run_begin() -%}
    insert into {{ model_builds() }} (model, invocation_id, started_at, finished_at)
    select '', '{{ invocation_id }}', {{ built_at() }} + toIntervalMicrosecond(1), null
{%- endmacro %}
