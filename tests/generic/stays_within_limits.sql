-- Gives what the latest build measured beyond a limit: level 1 beyond the first, 2 beyond the second. The
-- test's own limits say that the first warns and the second stops.
{% test stays_within_limits(model, metrics) %}
    select
        metric,
        source,
        field,
        value,
        warn_threshold,
        error_threshold,
        if(status = 'error', 2, 1) as level
    from {{ model }}
    where
        measured_at = (select max(measured_at) from {{ model }})
        and metric in ('{{ metrics | join("', '") }}')
        and status != 'pass'
{% endtest %}
