{% macro run_open() %}
    {%- if not execute or flags.WHICH not in ('build', 'run', 'snapshot', 'test', 'retry') %}
        {{- return('') -}}
    {%- endif %}
    {%- set table = api.Relation.create(schema=target.schema, identifier='model_builds', can_on_cluster=true) %}
    {%- do run_query("create database if not exists " ~ target.schema ~ " " ~ on_cluster_clause(table)) %}
    {%- set create_table %}
        create table if not exists {{ on_shards(table) }}
        (
            model LowCardinality(String) comment 'Incremental model that was built; empty for a whole run',
            invocation_id String comment 'The dbt run that built it',
            started_at DateTime64(6, 'UTC') comment 'Server time before it read anything; never goes back',
            finished_at Nullable(DateTime64(6, 'UTC')) comment 'Null in the row of a run''s beginning'
        )
        {{ replicated_engine('MergeTree', '', true) }}
        order by (model, started_at)
        ttl toDateTime(started_at) + interval 1 year
        comment 'One row per finished build of a model; two per run: when it begins, when it is over'
    {%- endset %}
    {%- do run_query(create_table) %}
    {%- if adapter.get_clickhouse_cluster_name() %}
        {%- set local = table.incorporate(path={'identifier': table.identifier ~ adapter.get_clickhouse_local_suffix()}) %}
        {%- do run_query(
            "create table if not exists " ~ table ~ on_cluster_clause(table) ~ " as " ~ local
            ~ " " ~ distributed_engine(local, 'model')
        ) %}
    {%- endif %}
    {%- if flags.WHICH != 'test' %}
        {%- do refuse_missing_parents() %}
        {%- do run_query(run_begin()) %}
        {%- do wait_for_other_runs() %}
        {%- do drop_leftovers() %}
    {%- endif %}
{% endmacro %}
