{% macro built_since_last_build(built_at='_built_at') -%}
    {%- if is_incremental() -%}
        {{ built_at }} > {{ last_build_start() }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
