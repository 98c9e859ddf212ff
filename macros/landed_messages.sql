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
    from (
        select *
        from {{ source('event_management', 'event_data') }}
        where {{ landed }}
        order by (landed_at, `partition`, `offset`) desc
        limit 1 by message_id
    )
    {%- if is_incremental() %}
    where
        (message_id, _payload_hash) not in (
            select message_id, _payload_hash
            from {{ this }}
            where
                message_id in (
                    select message_id
                    from {{ source('event_management', 'event_data') }}
                    where {{ landed }}
                )
        )
    {%- endif %}
{%- endmacro %}
