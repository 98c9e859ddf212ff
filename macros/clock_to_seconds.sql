{% macro clock_to_seconds(text) -%}
    {%- set parts = "extractGroups(lower(" ~ text ~ "), '^\\\\s*(\\\\d{1,2}):(\\\\d{2})\\\\s*([ap]?)\\\\.?m?\\\\.?\\\\s*$')" -%}
    if(
        empty({{ parts }}),
        null,
        multiIf(
            {{ parts }}[3] = 'a', toUInt32({{ parts }}[1]) % 12,
            {{ parts }}[3] = 'p', toUInt32({{ parts }}[1]) % 12 + 12,
            toUInt32({{ parts }}[1])
        ) * 3600 + toUInt32({{ parts }}[2]) * 60
    )
{%- endmacro %}
