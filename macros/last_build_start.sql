{% macro last_build_start() -%}
    (
        select max(started_at)
        from {{ model_builds() }}
        where model = '{{ this.identifier }}' and finished_at is not null
    )
{%- endmacro %}
