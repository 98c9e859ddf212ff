{% macro build_end(started_at) -%}
    insert into {{ model_builds() }} (model, invocation_id, started_at, finished_at)
    select '{{ this.identifier }}', '{{ invocation_id }}', '{{ started_at }}', now64(6, 'UTC')
{%- endmacro %}
