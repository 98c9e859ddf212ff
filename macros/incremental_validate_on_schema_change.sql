{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') -%}
    {%- if on_schema_change == 'fail' and config.get('incremental_strategy') == 'delete_insert' -%}
        {{- return('ignore') -}}
    {%- endif -%}
    {{- return(dbt.incremental_validate_on_schema_change(on_schema_change, default)) -}}
{%- endmacro %}
