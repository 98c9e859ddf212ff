{% macro create_distributed_table(relation, local_relation) %}
    {%- set sort_key = config.get('order_by', 'tuple()') %}
    create or replace table {{ relation }} {{ on_cluster_clause(relation) }}
    as {{ local_relation }}
    {{ distributed_engine(local_relation, sort_key if sort_key is string else sort_key[0]) }}
{% endmacro %}
