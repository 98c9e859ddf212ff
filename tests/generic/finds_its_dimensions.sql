-- Fails when a row finds no row in one of its dimensions, and tells how many per dimension.
-- finds_its_dimensions__can_fail.sql proves that it can.
{% test finds_its_dimensions(model, dimensions) %}
    {{ rows_without_a_dimension(model, dimensions) }}
{% endtest %}
