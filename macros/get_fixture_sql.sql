{#- dbt's own asks the server for the columns of the input and writes all of them into every row, as casts.
    ClickHouse reads a fixture again wherever the model mentions its input: here the rows are one literal,
    and the columns are looked up on the way. A column that a row does not name has the default of its type. -#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set here = defer_relation if defer_relation and not load_relation(this) else this -%}
    -- Fixture for {{ model.name }}
    select *
    from format(
        JSONEachRow,
        (
            select arrayStringConcat(groupArray(concat('`', name, '` ', type)), ', ')
            from system.columns
            where database = '{{ here.schema }}' and table = '{{ here.identifier }}'
            having not throwIf(
                count() = 0,
                'A unit test needs the columns of {{ here }}, which does not exist. Build it first.'
            )
        ),
        $rows${{ tojson(rows) }}$rows$
    )
    settings input_format_skip_unknown_fields = 0
{% endmacro %}
