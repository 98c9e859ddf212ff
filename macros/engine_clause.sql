{% macro engine_clause() -%}
    {%- set name, _, arguments = config.get('engine', 'MergeTree()').partition('(') -%}
    {{ replicated_engine(name, arguments.rstrip(' )'), config.get('materialized') == 'incremental') }}
{%- endmacro %}
