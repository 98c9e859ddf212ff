{% macro clickhouse__incremental_delete_insert(existing_relation, unique_key, incremental_predicates, is_distributed=False) %}
    {%- if adapter.get_clickhouse_cluster_name() %}
        {%- do adapter.check_incremental_schema_changes('fail', existing_relation, sql) %}
        {{- return(dbt.clickhouse__incremental_delete_insert(existing_relation, unique_key, incremental_predicates, is_distributed)) -}}
    {%- endif %}
    {%- set new_data = existing_relation.incorporate(
        path={'identifier': this.identifier ~ '__dbt_new_data_' ~ invocation_id.replace('-', '_')}
    ) %}
    {%- call statement('main') %}
        create table {{ new_data }} engine = MergeTree order by tuple() as (
            {{ sql }}
        )
    {%- endcall %}
    {%- set look_at_new_data %}
        select
            (select count() from {{ new_data }}) as rows_count,
            (
                select count()
                from (
                    select 1
                    from {{ this }}
                    where
                        (select count() from {{ new_data }}) > 0
                        and ({{ unique_key }}) in (select {{ unique_key }} from {{ new_data }})
                    limit 1
                )
            ) as replaces_rows,
            arrayStringConcat(groupArray('`' || name || '`'), ', ') as names,
            arrayStringConcat(groupUniqArrayIf(name, tables_count = 1), ', ') as changed_names
        from (
            select name, type, count() as tables_count
            from system.columns
            where database = '{{ this.schema }}' and table in ('{{ this.identifier }}', '{{ new_data.identifier }}')
            group by name, type
        )
    {%- endset %}
    {%- set found = run_query(look_at_new_data).rows[0] %}
    {%- if found.changed_names %}
        {%- do run_query("drop table " ~ new_data) %}
        {%- do exceptions.raise_compiler_error(
            "The model no longer makes the columns that " ~ this ~ " has: " ~ found.changed_names
            ~ ". Build it with --full-refresh."
        ) %}
    {%- endif %}
    {#- A delete goes through every part even where it finds nothing. -#}
    {%- if found.replaces_rows > 0 %}
        {%- call statement('delete_replaced_rows') %}
            delete from {{ this }} where ({{ unique_key }}) in (select {{ unique_key }} from {{ new_data }})
        {%- endcall %}
    {%- endif %}
    {%- if found.rows_count > 0 %}
        {%- call statement('insert_new_data') %}
            insert into {{ this }} ({{ found.names }}) select {{ found.names }} from {{ new_data }}
        {%- endcall %}
    {%- endif %}
    {%- call statement('drop_new_data') %}
        drop table {{ new_data }}
    {%- endcall %}
{% endmacro %}
