-- One row per person of whom the app has told anything.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by='user_key',
        pre_hook="{{ refuse_history_loss('user_key', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
),

seen as (
    select distinct user_key
    from app_events
    where {{ built_since_last_build('built_at') }}
),

stamped as (
    select
        user_key,
        {{ built_at() }} as _built_at
    from seen
    {%- if is_incremental() %}
    -- Of all who are known only these: a set of everybody would cost more than the search.
    where
        user_key not in (
            select user_key
            from {{ this }}
            where user_key in (select user_key from seen)
        )
    {%- endif %}
)

select * from stamped
