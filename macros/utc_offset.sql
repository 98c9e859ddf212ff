{% macro utc_offset(instant, time_zone) -%}
    dateDiff('second', {{ instant }}, toDateTime(toString({{ instant }}, {{ time_zone }}), 'UTC'))
{%- endmacro %}
