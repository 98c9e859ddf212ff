{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- custom_schema_name | trim if custom_schema_name and target.name != 'ci' else target.schema -}}
{%- endmacro %}
