-- Fails on every row for which the expression does not hold; null does not hold.
{% test claim(model, holds) %}
    select *
    from {{ model }}
    where not coalesce({{ holds }}, false)
{% endtest %}
