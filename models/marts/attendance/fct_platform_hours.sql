-- One row per organisation, event, channel and hour in which something came through the platform,
-- kept up to date: what the platform said of it last.
{{ config(order_by=['event_id', 'organization_id', 'channel', 'hour_at']) }}

with statements as (
    select * from {{ ref('stg_integrated_platform__analytics') }}
),

-- The platform's present is the latest that it has said.
judged as (
    select
        organization_id,
        event_id,
        channel,
        currency,
        visitors_count,
        signups_count,
        conversions_count,
        revenue_minor,
        is_restated,
        toBool(
            hour_at + toIntervalHour(1 + {{ var('restatement_hours') }}) <= max(updated_at) over ()
        ) as is_final,
        hour_at,
        first_reported_at as first_stated_at,
        updated_at
    from statements
)

select * from judged
