{% macro rows_without_a_dimension(fact, dimensions) %}
    select
        {%- for dimension in dimensions %}
        countIf({{ dimension.field }}_of_{{ loop.index }} is null) as missing_{{ dimension.column }},
        {%- endfor %}
        count() as missing
    from (
        select
            {%- for dimension in dimensions %}
            dimension_{{ loop.index }}.{{ dimension.field }} as {{ dimension.field }}_of_{{ loop.index }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ fact }} as fact
        {%- for dimension in dimensions %}
        left join {{ dimension.to }} as dimension_{{ loop.index }}
            on fact.{{ dimension.column }} = dimension_{{ loop.index }}.{{ dimension.field }}
        {%- endfor %}
        where
            {%- for dimension in dimensions %}
            {{ 'or ' if not loop.first }}dimension_{{ loop.index }}.{{ dimension.field }} is null
            {%- endfor %}
    )
    having missing > 0
{% endmacro %}
