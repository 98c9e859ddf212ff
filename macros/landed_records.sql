{% macro landed_records(table, id, keeps_versions=false) -%}
    {%- set updated_at = "coalesce(source_at, toDateTime64(0, 3, 'UTC'))" -%}
    select
        record_id,
        payload,
        cityHash64(payload) as _payload_hash,
        {{ updated_at }} as updated_at
    from {{ source('freshservice', table) }}
    where
        {{ landed_since_last_build() }}
        -- By hash first: payloads are many times larger, and few are left to read in the end.
        and (record_id, updated_at, _payload_hash) in (
            select
                landed.record_id,
                landed.last_version.1,
                landed.last_version.2
            from (
                select
                    record_id,
                    argMax(
                        ({{ updated_at }}, cityHash64(payload)),
                        ({{ updated_at }}, landed_at, cityHash64(payload))
                    ) as last_version
                from {{ source('freshservice', table) }}
                where {{ landed_since_last_build() }}
                group by record_id{{ ', ' ~ updated_at if keeps_versions }}
            ) as landed
            {%- if is_incremental() %}
            left join (
                select
                    {{ id }},
                    updated_at,
                    _payload_hash
                from {{ this }}
                where
                    {{ id }} in (
                        select record_id
                        from {{ source('freshservice', table) }}
                        where {{ landed_since_last_build() }}
                    )
            ) as staged
                on
                    landed.record_id = staged.{{ id }}
                    {{- ' and landed.last_version.1 = staged.updated_at' if keeps_versions }}
            where
                staged._payload_hash is null
                or (
                    landed.last_version.1 >= staged.updated_at
                    and landed.last_version.2 != staged._payload_hash
                )
            {%- endif %}
        )
    limit 1 by record_id, updated_at
{%- endmacro %}
