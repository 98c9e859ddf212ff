{% macro landed_since_last_build(landed_at='landed_at') -%}
    {%- if is_incremental() -%}
        {{ landed_at }} > {{ last_build_start() }} - toIntervalSecond({{ var('landing_overlap_seconds') }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
