{% macro landed_records(table, id, keeps_versions=false) -%}
    {%- set landed -%}
        select
            record_id,
            payload,
            cityHash64(payload) as _payload_hash,
            coalesce(source_at, toDateTime64(0, 3, 'UTC')) as updated_at,
            landed_at
        from {{ source('freshservice', table) }}
        where {{ landed_since_last_build() }}
        order by updated_at desc, landed_at desc, _payload_hash desc
        limit 1 by record_id{{ ', updated_at' if keeps_versions }}
    {%- endset -%}
    select landed.*
    from ({{ landed }}) as landed
    {%- if is_incremental() %}
    left join (
        select {{ id }}, updated_at, _payload_hash
        from {{ this }}
        where {{ id }} in (
            select record_id from {{ source('freshservice', table) }} where {{ landed_since_last_build() }}
        )
    ) as staged
        on
            landed.record_id = staged.{{ id }}
            {%- if keeps_versions %}
            and landed.updated_at = staged.updated_at
            {%- endif %}
    where
        staged._payload_hash is null
        or (landed.updated_at >= staged.updated_at and landed._payload_hash != staged._payload_hash)
    {%- endif %}
{%- endmacro %}
