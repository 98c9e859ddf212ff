-- One row per event and session of which the app has told anything; one without a session of what
-- was told of the event alone.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        order_by=['event_id', 'session_id'],
        pre_hook="{{ refuse_history_loss('event_id', ref('fct_app_events')) }}",
    )
}}

with app_events as (
    select * from {{ ref('fct_app_events') }}
),

seen as (
    select distinct
        event_id,
        coalesce(session_id, '') as session_id
    from app_events
    where {{ built_since_last_build('built_at') }}
),

stamped as (
    select
        event_id,
        session_id,
        {{ built_at() }} as _built_at
    from seen
    {%- if is_incremental() %}
    where
        (event_id, session_id) not in (
            select
                event_id,
                session_id
            from {{ this }}
        )
    {%- endif %}
)

select * from stamped
