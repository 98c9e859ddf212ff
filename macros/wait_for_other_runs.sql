{% macro wait_for_other_runs() %}
    {%- set open_runs %}
        select invocation_id
        from {{ model_builds() }}
        where model = ''
        group by invocation_id
        having
            count(finished_at) = 0
            and max(started_at) < (
                select max(started_at) from {{ model_builds() }}
                where model = '' and invocation_id = '{{ invocation_id }}'
            )
    {%- endset %}
    {%- set others = run_query(open_runs).rows | map(attribute=0) | list %}
    {%- if not others %}
        {{- return('') -}}
    {%- endif %}
    {%- set statements_of_others %}
        select count()
        from system.processes
        where extract(query, '"invocation_id": "([0-9a-f-]+)"') in ({{ open_runs }})
    {%- endset %}
    {%- set state = namespace(quiet=0, polls=0) %}
    {#- A run that lives has a statement in some of ten looks; one that was killed may have left one to end. -#}
    {%- for _ in range(var('run_wait_seconds') * 5) if state.quiet < 10 %}
        {%- do run_query("select sleep(0.2)") %}
        {%- set state.quiet = 0 if run_query(statements_of_others).rows[0][0] > 0 else state.quiet + 1 %}
    {%- endfor %}
    {%- if state.quiet < 10 %}
        {%- do run_query(run_close()) %}
        {%- do exceptions.raise_compiler_error(
            "Another dbt run is building this warehouse (invocation " ~ others | join(', ') ~ ") and did not"
            ~ " end within " ~ var('run_wait_seconds') ~ " s. Builds take turns: try again when it is done."
        ) %}
    {%- endif %}
    {%- for other in others %}
        {%- do log("The dbt run " ~ other ~ " ended without closing; this run takes up what it left.", info=true) %}
        {%- do run_query(run_close(other)) %}
    {%- endfor %}
{% endmacro %}
