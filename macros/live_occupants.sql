{% macro live_occupants(raw_events) -%}
    select
        event_id,
        body.user_id as user_key,
        argMaxState(direction, (scanned_at, received_at, seq, message_id)) as last_direction,
        maxSimpleState(scans.landed_at) as landed_at
    from ({{ live_scans(raw_events) }}) as scans
    where is_admitted
    group by event_id, user_key
{%- endmacro %}
