{% macro build_begin() -%}
    {%- if config.get('materialized') == 'incremental' -%}
        insert into {{ model_builds() }} (model, invocation_id, started_at, finished_at)
        select '{{ this.identifier }}', '{{ invocation_id }}', {{ built_at() }} + toIntervalMicrosecond(1), null
    {%- endif -%}
{%- endmacro %}
