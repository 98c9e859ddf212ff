{% macro seconds_between(earlier, later) -%}
    if({{ later }} >= {{ earlier }}, age('second', {{ earlier }}, assumeNotNull({{ later }})), null)
{%- endmacro %}
