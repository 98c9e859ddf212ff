-- Gives the share of rows that meet the condition, in per mille; the test's own limits judge it.
{% test stays_below_share(model, condition) %}
    select toUInt32(coalesce(round(1000 * countIf({{ condition }}) / nullIf(count(), 0)), 0)) as per_mille
    from {{ model }}
{% endtest %}
