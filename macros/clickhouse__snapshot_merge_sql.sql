{% macro clickhouse__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- if run_query("select count() from " ~ source).rows[0][0] == 0 -%}
        {{- return('select 1') -}}
    {%- endif -%}
    {{- return(dbt.clickhouse__snapshot_merge_sql(target, source, insert_cols)) -}}
{%- endmacro %}
