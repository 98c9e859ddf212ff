-- One row per agent group and the calendar that it works by now. A row is rebuilt only when that
-- calendar changes, so whoever reads it knows whose business time to compute again.
{{
    config(
        unique_key='group_id',
        order_by='group_id',
        materialized='incremental',
    )
}}

with agent_groups as (
    select * from {{ ref('stg_freshservice__groups') }}
),

calendars as (
    select * from {{ ref('stg_freshservice__business_hours') }}
),

intervals as (
    select * from {{ ref('int_business_intervals') }}
),

default_calendars as (
    select min(calendar_id) as default_calendar_id
    from calendars
    where is_default
),

-- A calendar is its intervals: the hash moves with its hours, its holidays and its zone.
calendar_hashes as (
    select
        calendar_id,
        groupBitXor(cityHash64(starts_at, ends_at)) as calendar_hash
    from intervals
    group by calendar_id
),

resolved as (
    select
        agent_groups.group_id as group_id,
        coalesce(
            agent_groups.calendar_id, default_calendars.default_calendar_id, 0
        ) as calendar_id
    from agent_groups
    cross join default_calendars
),

hashed as (
    select
        resolved.group_id as group_id,
        resolved.calendar_id as calendar_id,
        coalesce(calendar_hashes.calendar_hash, 0) as _calendar_hash,
        {{ built_at() }} as _built_at
    from resolved
    left join calendar_hashes on resolved.calendar_id = calendar_hashes.calendar_id
),

changed as (
    select *
    from hashed
    {%- if is_incremental() %}
    where
        (group_id, calendar_id, _calendar_hash) not in (
            select
                group_id,
                calendar_id,
                _calendar_hash
            from {{ this }}
        )
    {%- endif %}
)

select * from changed
