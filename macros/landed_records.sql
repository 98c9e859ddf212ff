{% macro landed_records(
    table, id, keeps_versions=false, parents=(), also=none, richer=none, system='freshservice',
    is_person=false
) -%}
    {%- set updated_at = "coalesce(source_at, toDateTime64(0, 3, 'UTC'))" -%}
    {#- Of a child the parent is part of its name; raw has one name for all parents, staging its own. -#}
    {%- set raw_parents = {'parent_type': 'parent_type'} -%}
    {%- set key = [] -%}
    {%- set staged_key = [] -%}
    {%- for parent in parents -%}
        {%- do key.append(raw_parents.get(parent, 'parent_id')) -%}
        {%- do staged_key.append(parent) -%}
    {%- endfor -%}
    {%- do key.append('record_id') -%}
    {%- do staged_key.append(id) -%}
    {%- set landed_rows -%}
        {%- if also -%}
        (
            select {{ key | join(', ') }}, source_at, payload, landed_at
            from {{ source(system, table) }}
            union all
            select {{ key | join(', ') }}, source_at, payload, landed_at
            from {{ source(system, also) }}
        )
        {%- elif is_person -%}
        ({{ first_pseudonyms(source(system, table), ['record_id']) }})
        {%- else -%}
        {{ source(system, table) }}
        {%- endif -%}
    {%- endset -%}
    {%- set is_richer = richer or 'true' -%}
    select
        {%- for column in key %}
        {{ column }},
        {%- endfor %}
        payload,
        cityHash64(payload) as _payload_hash,
        {%- if richer %}
        {{ richer }} as _is_richer,
        {%- endif %}
        {{ updated_at }} as updated_at
    from {{ landed_rows }}
    where
        {{ landed_since_last_build() }}
        -- By hash first: payloads are many times larger, and few are left to read in the end.
        and ({{ key | join(', ') }}, updated_at, _payload_hash) in (
            select
                {%- for column in key %}
                landed.{{ column }},
                {%- endfor %}
                landed.last_version.1,
                landed.last_version.2
            from (
                select
                    {%- for column in key %}
                    {{ column }},
                    {%- endfor %}
                    argMax(
                        ({{ updated_at }}, cityHash64(payload), {{ is_richer }}),
                        ({{ updated_at }}, {{ is_richer }}, landed_at, cityHash64(payload))
                    ) as last_version
                from {{ landed_rows }}
                where {{ landed_since_last_build() }}
                group by {{ key | join(', ') }}{{ ', ' ~ updated_at if keeps_versions }}
            ) as landed
            {%- if is_incremental() %}
            left join (
                select
                    {%- for column in staged_key %}
                    {{ column }},
                    {%- endfor %}
                    updated_at,
                    {{ '_is_richer' if richer else is_richer }} as is_richer,
                    _payload_hash
                from {{ this }}
                where
                    {{ id }} in (
                        select record_id
                        from {{ landed_rows }}
                        where {{ landed_since_last_build() }}
                    )
            ) as staged
                on
                    {% for column in key -%}
                    {{ 'and ' if not loop.first }}landed.{{ column }} = staged.{{ staged_key[loop.index0] }}
                    {% endfor -%}
                    {{- 'and landed.last_version.1 = staged.updated_at' if keeps_versions }}
            where
                staged._payload_hash is null
                or (
                    (landed.last_version.1, landed.last_version.3) >= (staged.updated_at, staged.is_richer)
                    and landed.last_version.2 != staged._payload_hash
                )
            {%- endif %}
        )
    limit 1 by {{ key | join(', ') }}, updated_at
{%- endmacro %}
