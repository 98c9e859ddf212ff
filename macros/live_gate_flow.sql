{% macro live_gate_flow(raw_events) -%}
    select
        event_id,
        body.gate_id as gate_id,
        uniqExactStateIf(cityHash64(message_id), is_admitted and direction = 'in') as entries,
        uniqExactStateIf(cityHash64(message_id), is_admitted and direction = 'out') as exits,
        uniqExactStateIf(cityHash64(message_id), not is_admitted) as rejects,
        toStartOfMinute(scanned_at) as date_minute,
        maxSimpleState(scans.landed_at) as landed_at
    from ({{ live_scans(raw_events) }}) as scans
    group by event_id, gate_id, date_minute
{%- endmacro %}
