{% macro built_at() -%}
    assumeNotNull(greatest(now64(6, 'UTC'), (select max(started_at) from {{ model_builds() }})))
{%- endmacro %}
