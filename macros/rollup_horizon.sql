{% macro rollup_horizon() -%}
    (toDateTime(today(), 'UTC') - interval {{ var('rollup_years') }} year + interval 1 day)
{%- endmacro %}
