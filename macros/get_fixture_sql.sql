{#- dbt's own writes every column of the input into every row, as a cast; here the columns that no row
    names are written once. ClickHouse reads a fixture again wherever the model mentions its input. -#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set here = defer_relation if defer_relation and not load_relation(this) else this -%}
    {%- set types, quoted, named = {}, {}, [] -%}
    {%- for column in clickhouse__get_columns_in_relation(here) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
        {%- do quoted.update({column.name | lower: column.quoted}) -%}
    {%- else -%}
        {%- do exceptions.raise_compiler_error(
            "A unit test needs the columns of " ~ here ~ ", which does not exist. Build it first."
        ) -%}
    {%- endfor -%}
    {%- for row in rows -%}
        {%- do named.extend(row | map('lower') | reject('in', named) | list) -%}
    {%- endfor -%}
    -- Fixture for {{ model.name }}
    select
        {%- for name, type in types.items() %}
        {{ quoted[name] if name in named else "defaultValueOfTypeName('" ~ type | replace("'", "\\'") ~ "') as " ~ quoted[name] }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {% if not named %}numbers({{ rows | length }}){% else %}(
        {%- for row in rows %}
        {%- set given = format_row(row, types) %}
        select
            {%- for name in named %}
            {{ given.get(name) or dbt.safe_cast('null', types[name]) | trim }} as {{ quoted[name] }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
    {%- endif %}
{% endmacro %}
