{% macro clickhouse__insert_into(target_relation, sql, has_contract, use_columns_from_sql=False) %}
    {%- if not has_contract or use_columns_from_sql %}
        {{- return(dbt.clickhouse__insert_into(target_relation, sql, has_contract, use_columns_from_sql)) -}}
    {%- endif %}
    {%- set names = '`' ~ model.columns.values() | map(attribute='name') | join('`, `') ~ '`' %}
    insert into {{ target_relation }} ({{ names }})
    select {{ names }}
    from (
        {{ sql }}
    )
    {{ adapter.get_model_query_settings(model) }}
{% endmacro %}
