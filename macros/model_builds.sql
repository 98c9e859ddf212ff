{% macro model_builds() -%}
    staging.model_builds
{%- endmacro %}
