{% macro landed_messages(entity) -%}
    {%- set landed -%}
        startsWith(type, '{{ entity }}.') and {{ landed_since_last_build() }}
    {%- endset -%}
    select
        message_id,
        toLowCardinality(splitByChar('.', toString(type))[2]) as message_verb,
        payload,
        cityHash64(payload) as _payload_hash,
        source_at as occurred_at
    from {{ source('event_management', 'event_data') }}
    where
        {{ landed }}
        -- By hash first: payloads are many times larger, and few are left to read in the end.
        and (message_id, _payload_hash) in (
            select
                message_id,
                argMax(cityHash64(payload), (landed_at, `partition`, `offset`)) as _payload_hash
            from {{ source('event_management', 'event_data') }}
            where {{ landed }}
            group by message_id
            {%- if is_incremental() %}
            having
                (message_id, _payload_hash) not in (
                    select
                        message_id,
                        _payload_hash
                    from {{ this }}
                    where
                        message_id in (
                            select message_id
                            from {{ source('event_management', 'event_data') }}
                            where {{ landed }}
                        )
                )
            {%- endif %}
        )
    limit 1 by message_id
{%- endmacro %}
