-- One row per person who ever came to an event: a number for the bitmaps of rollups, given once.
-- Never made anew, as every bitmap speaks of these numbers.
{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
        order_by='user_key',
    )
}}

with visits as (
    select * from {{ ref('fct_visits') }}
),

-- People of one event get numbers side by side: bitmaps of neighbours are small.
arrived as (
    select
        user_key,
        min((entered_at, event_id)) as first_entry
    from visits
    where {{ built_since_last_build('built_at') }}
    group by user_key
),

unnumbered as (
    select *
    from arrived
    {%- if is_incremental() %}
    -- Of all who are known only these: a set of everybody would cost more than the search.
    where
        user_key not in (
            select user_key
            from {{ this }}
            where user_key in (select user_key from arrived)
        )
    {%- endif %}
),

numbered as (
    select
        user_key,
        toUInt32(
            {%- if is_incremental() %}
            (select max(user_number) from {{ this }}) +
            {%- endif %}
            row_number() over (order by first_entry.2, first_entry.1, user_key)
        ) as user_number,
        {{ built_at() }} as _built_at
    from unnumbered
)

select * from numbered
