{% macro ticket_windows(raw_tickets) -%}
    select
        coalesce(JSONExtract(payload, 'priority', 'Nullable(UInt8)'), 2) as priority_id,
        uniqExactState(record_id) as changed_tickets,
        toStartOfInterval(assumeNotNull(source_at), interval 10 second) as window_at,
        maxSimpleState({{ raw_tickets }}.landed_at) as landed_at
    from {{ raw_tickets }}
    where source_at is not null
    group by window_at, priority_id
{%- endmacro %}
