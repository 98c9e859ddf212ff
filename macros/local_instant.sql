{% macro local_instant(clock, time_zone) -%}
    {%- set offset -%}
        greatest({{ utc_offset(clock ~ ' - 86400', time_zone) }}, {{ utc_offset(clock ~ ' + 86400', time_zone) }})
    {%- endset -%}
    {{ clock }} - {{ utc_offset(clock ~ ' - ' ~ offset, time_zone) }}
{%- endmacro %}
