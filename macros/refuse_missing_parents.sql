{% macro refuse_missing_parents() %}
    {%- set lacking = {} %}
    {%- for unique_id in selected_resources if unique_id.startswith('model.') %}
        {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent not in selected_resources %}
            {%- set node = graph.sources.get(parent) or graph.nodes[parent] %}
            {#- With deferral, what production has in its place. -#}
            {%- set at = node.defer_relation or node %}
            {%- do lacking.update({at.schema ~ '.' ~ (node.identifier or node.alias): node.resource_type}) %}
        {%- endfor %}
    {%- endfor %}
    {%- for found in run_query("select database || '.' || name from system.tables").rows %}
        {%- do lacking.pop(found[0], none) %}
    {%- endfor %}
    {%- if lacking %}
        {%- do exceptions.raise_compiler_error(
            lacking | length ~ " tables that the models read do not exist yet, " ~ (lacking | list | first) ~ " for"
            ~ " one. " ~ ("Load once: gatehouse load." if 'source' in lacking.values()
                else "Build everything once, dbt build: a part of it reads what the others were." if 'model' in lacking.values()
                else "Make them first: dbt build does it in the right order, dbt run does not.")
        ) %}
    {%- endif %}
{% endmacro %}
