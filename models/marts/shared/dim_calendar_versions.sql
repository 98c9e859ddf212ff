-- One row per calendar of business hours and version: what held from valid_from until valid_to.
{{ config(order_by=['calendar_id', 'valid_from']) }}

with versions as (
    {{ source_versions(ref('business_hours_history'), 'calendar_id') }}
),

described as (
    select
        calendar_id,
        coalesce(calendar_name, 'Unknown') as calendar_name,
        rails_time_zone,
        workday_weekdays,
        workday_opens_seconds,
        workday_closes_seconds,
        holiday_years,
        holiday_months,
        holiday_days,
        holiday_names,
        toBool(is_default) as is_default,
        toBool(is_latest) as is_latest,
        valid_from,
        valid_to
    from versions
)

select * from described
