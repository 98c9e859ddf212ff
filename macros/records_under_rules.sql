{% macro records_under_rules() -%}
    {%- for model, source_name, record_id, looked_at, rules in business_rules() %}
    {{ 'union all' if not loop.first }}
    select
        '{{ source_name }}' as source,
        counted.1 as rule,
        counted.2 as records_count
    from (
        select [
            {%- for rule, applies, breaks, details in rules %}
            ('{{ rule }}', {{ 'count()' if applies == 'true' else 'countIf(' ~ applies ~ ')' }}){{ ',' if not loop.last }}
            {%- endfor %}
        ] as counts
        from {{ model }}
    )
    array join counts as counted
    {%- else %}
    select '' as source, '' as rule, toUInt64(0) as records_count
    where false
    {%- endfor %}
{%- endmacro %}
