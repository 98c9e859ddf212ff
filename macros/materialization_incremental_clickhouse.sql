{#- The adapter's, between two looks at the clock: a build counts when it has finished, and the next one looks
    for what came after this one began. -#}
{% materialization incremental, adapter='clickhouse' %}
    {%- set started_at = run_query(build_begin()).rows[0][0] %}
    {%- if adapter.get_clickhouse_cluster_name() %}
        {%- set built = dbt.materialization_distributed_incremental_clickhouse() %}
        {#- It leaves the view that it took the columns from. -#}
        {%- do adapter.drop_relation(this.incorporate(path={'identifier': this.identifier ~ '__dbt_view_tmp'}, type='view')) %}
    {%- else %}
        {%- set built = dbt.materialization_incremental_clickhouse() %}
    {%- endif %}
    {%- do run_query(build_end(started_at)) %}
    {{- return(built) }}
{% endmaterialization %}
