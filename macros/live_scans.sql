{% macro live_scans(raw_events) -%}
    select
        event_id,
        message_id,
        seq,
        received_at,
        landed_at,
        if(type = 'check_in', 'in', 'out') as direction,
        JSONExtract(
            payload,
            'Tuple(
                user_id String,
                gate_id String,
                properties Tuple(result String, is_override Bool)
            )'
        ) as body,
        body.properties.result = 'ok' or body.properties.is_override as is_admitted,
        coalesce(dateDiff('millisecond', sent_at, received_at), 0) as clock_offset,
        source_at + toIntervalMillisecond(
            if(abs(clock_offset) > 1000 * {{ var('clock_skew_seconds') }}, clock_offset, 0)
        ) as meant_at,
        if(
            coalesce(
                meant_at <= received_at
                and meant_at >= received_at - toIntervalDay({{ var('oldest_replay_days') }}),
                false
            ),
            assumeNotNull(meant_at),
            received_at
        ) as scanned_at
    from {{ raw_events }}
    where type in ('check_in', 'check_out')
{%- endmacro %}
