{% macro row_hash() -%}
    cityHash64(
        {#- The linter knows no model. -#}
        {%- for column in (model | default({'columns': {}})).columns.values() if column.name != 'built_at' %}
        {%- set type = column.data_type %}
        {{ ', ' if not loop.first }}
        {%- if type.startswith('AggregateFunction(groupBitmap') -%}
        bitmapToArray({{ column.name }})
        {%- elif type.startswith('AggregateFunction') -%}
        finalizeAggregation({{ column.name }})
        {%- else -%}
        {{ column.name }}
        {%- endif -%}
        {%- endfor %}
    )
{%- endmacro %}
