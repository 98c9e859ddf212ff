{% macro landed_reports(system, table, key, reported_at) -%}
    {%- set columns = key | join(', ') -%}
    {%- set landed -%}
        {%- if is_incremental() -%}
        ({{ columns }}) in (
            select {{ columns }}
            from {{ source(system, table) }}
            where {{ landed_since_last_build() }}
        )
        {%- else -%}
        true
        {%- endif -%}
    {%- endset -%}
    select
        {%- for column in key %}
        reports.{{ column }} as {{ column }},
        {%- endfor %}
        reports.payload as payload,
        latest.last_report.2 as _payload_hash,
        latest.last_report.1 as {{ reported_at }},
        latest.first_reported_at as first_reported_at
    from {{ source(system, table) }} as reports
    -- By hash first: payloads are many times larger, and few are left to read in the end.
    inner join (
        select
            {{ columns }},
            argMax(
                ({{ reported_at }}, cityHash64(payload)),
                ({{ reported_at }}, landed_at, cityHash64(payload))
            ) as last_report,
            min({{ reported_at }}) as first_reported_at
        from {{ source(system, table) }}
        where {{ landed }}
        group by {{ columns }}
        {%- if is_incremental() %}
        having
            ({{ columns }}, last_report.2, first_reported_at) not in (
                select {{ columns }}, _payload_hash, first_reported_at
                from {{ this }}
                where {{ landed }}
            )
        {%- endif %}
    ) as latest
        on
            {% for column in key -%}
            reports.{{ column }} = latest.{{ column }} and {{ '' }}
            {%- endfor -%}
            reports.{{ reported_at }} = latest.last_report.1
            and cityHash64(reports.payload) = latest.last_report.2
    where {{ landed | replace('(' ~ columns ~ ') in', '(reports.' ~ (key | join(', reports.')) ~ ') in') }}
    limit 1 by {{ columns }}
{%- endmacro %}
