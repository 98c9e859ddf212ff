{% macro run_close(closed_id=invocation_id) -%}
    {%- if flags.WHICH in ('build', 'run', 'snapshot', 'retry') -%}
        insert into {{ model_builds() }} (model, invocation_id, started_at, finished_at)
        select '', invocation_id, max(started_at), now64(6, 'UTC')
        from {{ model_builds() }}
        where model = '' and invocation_id = '{{ closed_id }}'
        group by invocation_id
    {%- endif -%}
{%- endmacro %}
