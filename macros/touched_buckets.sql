{% macro touched_buckets(bucket, finer=none, finer_column=none) -%}
    select {{ bucket }}(date_hour) as bucket
    from {{ ref('int_ticket_hours_touched') }}
    array join date_hours as date_hour
    where
        ticket_id in (
            select ticket_id
            from {{ ref('int_ticket_hours_touched') }}
            where {{ built_since_last_build() }}
        )
    {%- if finer %}
    union distinct
    select {{ bucket }}({{ finer_column }}) as bucket
    from {{ finer }}
    where {{ built_since_last_build('built_at') }}
    {%- endif %}
{%- endmacro %}
