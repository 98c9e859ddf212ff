{% macro drop_leftovers() %}
    {%- set leftovers %}
        select database || '.' || name
        from system.tables
        where
            replaceAll(extract(name, '__dbt_new_data_([0-9a-f_]{36})'), '_', '-') in (
                select invocation_id from {{ model_builds() }} where model = '' and finished_at is not null
            )
    {%- endset %}
    {%- for leftover in run_query(leftovers).rows | map(attribute=0) %}
        {%- do run_query("drop table if exists " ~ leftover ~ on_cluster_clause(api.Relation.create(identifier=leftover, can_on_cluster=true))) %}
    {%- endfor %}
{% endmacro %}
