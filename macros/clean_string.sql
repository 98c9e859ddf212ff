{% macro clean_string(text) -%}
    nullIf(trimBoth(replaceRegexpAll({{ text }}, '\\s+', ' ')), '')
{%- endmacro %}
