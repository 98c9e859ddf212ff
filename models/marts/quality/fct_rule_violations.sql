-- One row per rule and record that ever broke it, kept up to date: open until the record keeps it.
{{
    config(
        materialized='incremental',
        unique_key=['rule', 'record_id'],
        order_by=['rule', 'record_id'],
        ttl='toDateTime(built_at) + interval ' ~ var('rollup_years') ~ ' year',
    )
}}

with looked_at as (
    {%- for model, source_name, record_id, looked_at, rules in business_rules() %}
    select
        '{{ source_name }}' as source,
        toString({{ record_id }}) as record_id,
        arrayJoin([
            {%- for rule, applies, breaks, details in rules %}
            (
                '{{ rule }}',
                coalesce({{ applies }} and ({{ breaks }}), false),
                coalesce({{ details }}, '')
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as judged
    from {{ model }}
    where {{ looked_at }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

{%- if is_incremental() %}

known as (
    select * from {{ this }}
),
{%- else %}

known as (
    select
        '' as rule,
        '' as record_id,
        '' as details,
        true as is_open,
        now64(6, 'UTC') as found_at
    where false
),
{%- endif %}

judged as (
    select
        toLowCardinality(judged.1) as rule,
        toLowCardinality(source) as source,
        record_id,
        judged.3 as details,
        toBool(judged.2) as is_open,
        {{ built_at() }} as built_at
    from looked_at
    where
        judged.2
        or (judged.1, record_id) in (
            select
                rule,
                record_id
            from known
            where is_open
        )
    order by record_id
    limit 1 by rule, record_id
),

-- What stands as it stood is left alone.
dated as (
    select
        judged.rule as rule,
        judged.source as source,
        judged.record_id as record_id,
        if(judged.is_open, judged.details, coalesce(known.details, '')) as details,
        judged.is_open as is_open,
        coalesce(known.found_at, judged.built_at) as found_at,
        if(judged.is_open, null, judged.built_at) as mended_at,
        judged.built_at as built_at
    from judged
    left join known
        on judged.rule = known.rule and judged.record_id = known.record_id
    where
        known.rule is null
        or known.is_open != judged.is_open
        or (judged.is_open and known.details != judged.details)
)

select * from dated
