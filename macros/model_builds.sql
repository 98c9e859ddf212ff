{% macro model_builds() -%}
    {{- target.schema }}.model_builds
{%- endmacro %}
