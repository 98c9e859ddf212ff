-- Fails on every key of the model that the other relation lacks.
{% test is_wholly_in(model, key, to, to_key=none) %}
    select distinct {{ key }}
    from {{ model }}
    where ({{ key }}) not in (select {{ to_key or key }} from {{ to }})
{% endtest %}
