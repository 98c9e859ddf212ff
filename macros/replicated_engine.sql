{% macro replicated_engine(name, arguments, is_sharded) -%}
    {%- if not adapter.get_clickhouse_cluster_name() or env_var('GATEHOUSE_CLICKHOUSE_REPLICATED', 'true') != 'true' -%}
        engine = {{ name }}({{ arguments }})
    {%- elif is_sharded -%}
        engine = Replicated{{ name }}({{ arguments }})
    {%- else -%}
        engine = Replicated{{ name }}('/clickhouse/tables/{uuid}/whole', '{shard}-{replica}'{{ ', ' ~ arguments if arguments }})
    {%- endif -%}
{%- endmacro %}
