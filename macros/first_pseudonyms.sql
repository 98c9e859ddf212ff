{% macro first_pseudonyms(relation, columns) -%}
    select
        people.* except ({{ columns | join(', ') }}),
        {%- for column in columns %}
        coalesce({{ column }}_links.first_pseudonym, people.{{ column }}) as {{ column }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ relation }} as people
    {%- for column in columns %}
    left any join {{ source('landing', 'pseudonym_links') }} as {{ column }}_links
        on people.{{ column }} = {{ column }}_links.pseudonym
    {%- endfor %}
{%- endmacro %}
