{% materialization incremental, adapter='clickhouse' %}
    {%- if adapter.get_clickhouse_cluster_name() %}
        {{- return(dbt.materialization_distributed_incremental_clickhouse()) }}
    {%- endif %}
    {{- return(dbt.materialization_incremental_clickhouse()) }}
{% endmaterialization %}
