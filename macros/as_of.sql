{% macro as_of() -%}
    {%- if var('as_of') -%}
        toDateTime64('{{ var("as_of") }}', 3, 'UTC')
    {%- else -%}
        assumeNotNull(
            greatest(
                (select max(read_at) from {{ ref('stg_freshservice__sweeps') }}),
                (select max(updated_at) from {{ ref('stg_freshservice__tickets') }})
            )
        )
    {%- endif -%}
{%- endmacro %}
