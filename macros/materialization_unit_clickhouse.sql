{#- As dbt-clickhouse's, which makes a temporary table of the model to see its types, and drops it. -#}
{% materialization unit, adapter='clickhouse' -%}
    {%- set types, quoted = {}, {} -%}
    {%- for row in run_query("describe (\n" ~ sql ~ "\n)").rows -%}
        {%- do types.update({row[0] | lower: row[1]}) -%}
        {%- do quoted.update({row[0] | lower: adapter.quote(row[0])}) -%}
    {%- endfor -%}
    {%- set expected_rows = config.get('expected_rows') -%}
    {%- set compared = [] -%}
    {%- for name in (expected_rows[0] if expected_rows else types) -%}
        {%- do compared.append(quoted[name | lower]) -%}
    {%- endfor -%}
    {%- set expected = config.get('expected_sql') or get_expected_sql(expected_rows, types, quoted) -%}
    {%- call statement('main', fetch_result=True) -%}
        {{ get_unit_test_sql(sql, expected, compared) }}
    {%- endcall -%}
    {{- return({'relations': []}) -}}
{%- endmaterialization %}
