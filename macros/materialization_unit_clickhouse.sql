{#- dbt-clickhouse's makes a temporary table of the model to see its types, looks at it, compares and drops
    it. Here what is expected takes its types from an array of the model's rows, and is added to it. -#}
{% materialization unit, adapter='clickhouse' -%}
    {%- set expected_rows, expected_sql = config.get('expected_rows'), config.get('expected_sql') -%}
    {%- set names = expected_rows[0] | list if expected_rows else [] -%}
    {%- for row in expected_rows if row.keys() != expected_rows[0].keys() -%}
        {%- do exceptions.raise_compiler_error("All rows that are expected name the same columns; not so: " ~ row) -%}
    {%- endfor -%}
    {%- call statement('main', fetch_result=True) -%}
    {%- if expected_sql %}
        {{ get_unit_test_sql(sql, expected_sql, get_columns_in_query(sql)) }}
    {%- elif not expected_rows %}
        select *, 'actual' as actual_or_expected
        from (
            {{ sql }}
        )
    {%- else %}
        {#- Named up here: an alias below is where ClickHouse looks for a name that the model lacks. #}
        with compared ("{{ names | join('", "') }}", actual_or_expected) as (
            select untuple(row)
            from (
                select groupArray(tuple(*, 'actual')) as actual
                from (
                    select "{{ names | join('", "') }}"
                    from (
                        {{ sql }}
                    )
                )
            )
            array join arrayConcat(actual, [
            {%- for row in expected_rows %}
                cast(
                    tuple(
                    {%- for name in names %}
                        {%- set value = row[name] %}
                        {%- if value is none %}null
                        {%- elif value is string %}'{{ value | replace('\\', '\\\\') | replace("'", "\\'") }}'
                        {%- else %}{{ value }}
                        {%- endif %}, {% endfor -%}
                    'expected'),
                    toTypeName(actual[1])
                )
                {{- ',' if not loop.last }}
            {%- endfor %}
            ]) as row
        )
        select * from compared
    {%- endif %}
    {%- endcall -%}
    {{- return({'relations': []}) -}}
{%- endmaterialization %}
