{% materialization incremental, adapter='clickhouse' %}
    {%- if not adapter.get_clickhouse_cluster_name() %}
        {{- return(dbt.materialization_incremental_clickhouse()) }}
    {%- endif %}
    {%- set built = dbt.materialization_distributed_incremental_clickhouse() %}
    {#- It leaves the view that it took the columns from. -#}
    {%- do adapter.drop_relation(this.incorporate(path={'identifier': this.identifier ~ '__dbt_view_tmp'}, type='view')) %}
    {{- return(built) }}
{% endmaterialization %}
