{% macro live_occupants(raw_events) -%}
    select
        event_id,
        -- Empty where nobody was linked: a view runs with the settings of whoever inserts.
        coalesce(nullIf(links.first_pseudonym, ''), body.user_id) as user_key,
        argMaxState(direction, (scanned_at, received_at, seq, message_id)) as last_direction,
        maxSimpleState(scans.landed_at) as landed_at
    from ({{ live_scans(raw_events) }}) as scans
    left any join (
        select
            pseudonym,
            first_pseudonym
        from {{ source('landing', 'pseudonym_links') }}
        -- Of whom the insert tells: in a view it is all that it sees of the table.
        where pseudonym in (select JSONExtractString(payload, 'user_id') from {{ raw_events }})
    ) as links
        on body.user_id = links.pseudonym
    where is_admitted
    group by event_id, user_key
{%- endmacro %}
