{% macro on_shards(relation) -%}
    {%- if adapter.get_clickhouse_cluster_name() -%}
        {%- set identifier = relation.identifier ~ adapter.get_clickhouse_local_suffix() -%}
        {{ relation.incorporate(path={'identifier': identifier}) }} {{ on_cluster_clause(relation) }}
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
