{% macro distributed_engine(local, key) -%}
    engine = Distributed(
        {{ adapter.get_clickhouse_cluster_name() | replace('"', "'") }},
        '{{ local.schema }}',
        '{{ local.identifier }}',
        cityHash64({{ key }})
    )
{%- endmacro %}
