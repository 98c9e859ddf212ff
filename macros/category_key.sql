{% macro category_key(ticket) -%}
    cityHash64(
        {{ ticket }}.category,
        coalesce({{ ticket }}.sub_category, ''),
        coalesce({{ ticket }}.item_category, '')
    )
{%- endmacro %}
