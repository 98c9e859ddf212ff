{% macro message_order() -%}
    (occurred_at, indexOf(['created', 'updated', 'cancelled'], message_verb), message_id)
{%- endmacro %}
