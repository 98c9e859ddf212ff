{% macro parse_instant(text) -%}
    parseDateTime64BestEffortOrNull({{ text }}, 3, 'UTC')
{%- endmacro %}
