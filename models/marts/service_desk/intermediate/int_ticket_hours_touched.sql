-- One row per time that a ticket was built into fct_tickets: the hours of its milestones then.
-- Only ever added to, so that an hour which a correction has left is known and rebuilt too.
{{
    config(
        materialized='incremental',
        full_refresh=false,
        unique_key=['ticket_id', '_built_at'],
        order_by=['ticket_id', '_built_at'],
        ttl='toDateTime(_built_at) + interval ' ~ var('rollup_years') ~ ' year',
    )
}}

with tickets as (
    select * from {{ ref('fct_tickets') }}
),

hours as (
    select
        ticket_id,
        arrayDistinct(
            arrayMap(
                instant -> toStartOfHour(assumeNotNull(instant)),
                arrayFilter(
                    instant -> instant is not null,
                    [created_at, first_responded_at, resolved_at, closed_at]
                )
            )
        ) as date_hours,
        {{ built_at() }} as _built_at
    from tickets
    where {{ built_since_last_build('built_at') }}
)

select * from hours
