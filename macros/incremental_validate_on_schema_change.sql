{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') -%}
    {{- return('ignore' if on_schema_change == 'fail' else dbt.incremental_validate_on_schema_change(on_schema_change, default)) -}}
{%- endmacro %}
