{% macro attendance_as_of() -%}
    {%- if var('as_of') -%}
        toDateTime64('{{ var("as_of") }}', 3, 'UTC')
    {%- else -%}
        assumeNotNull((select max(received_at) from {{ ref('stg_user_app__events') }}))
    {%- endif -%}
{%- endmacro %}
