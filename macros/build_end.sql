{% macro build_end() -%}
    {%- if config.get('materialized') == 'incremental' -%}
        insert into {{ model_builds() }} (model, invocation_id, started_at, finished_at)
        select model, invocation_id, max(started_at), now64(6, 'UTC')
        from {{ model_builds() }}
        where model = '{{ this.identifier }}' and invocation_id = '{{ invocation_id }}'
        group by model, invocation_id
    {%- endif -%}
{%- endmacro %}
