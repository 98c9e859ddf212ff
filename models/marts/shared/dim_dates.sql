-- One row per calendar day.
{{ config(order_by='date_day') }}

with calendars as (
    select * from {{ ref('stg_freshservice__business_hours') }}
),

days as (
    select toDate('{{ var("calendar_starts_on") }}') + number as date_day
    from
        numbers(
            dateDiff(
                'day',
                toDate('{{ var("calendar_starts_on") }}'),
                toDate('{{ var("calendar_ends_on") }}')
            ) + 1
        )
),

default_holidays as (
    select
        holiday_year,
        holiday_month,
        holiday_day,
        holiday_name
    from calendars
    array join
        holiday_years as holiday_year,
        holiday_months as holiday_month,
        holiday_days as holiday_day,
        holiday_names as holiday_name
    where is_default
),

named_holidays as (
    select
        days.date_day as date_day,
        min(default_holidays.holiday_name) as holiday_name
    from days
    inner join default_holidays
        on
            toMonth(days.date_day) = default_holidays.holiday_month
            and toDayOfMonth(days.date_day) = default_holidays.holiday_day
    where default_holidays.holiday_year in (0, toYear(days.date_day))
    group by date_day
),

described as (
    select
        toLowCardinality(dateName('weekday', days.date_day)) as weekday_name,
        toLowCardinality(dateName('month', days.date_day)) as month_name,
        named_holidays.holiday_name as holiday_name,
        toDayOfWeek(days.date_day) as weekday,
        toISOWeek(days.date_day) as iso_week,
        toMonth(days.date_day) as month,
        toQuarter(days.date_day) as quarter,
        toYear(days.date_day) as year,
        toBool(toDayOfWeek(days.date_day) >= 6) as is_weekend,
        toBool(named_holidays.holiday_name is not null) as is_holiday,
        days.date_day as date_day,
        toMonday(days.date_day) as date_week,
        toStartOfMonth(days.date_day) as date_month,
        toStartOfQuarter(days.date_day) as date_quarter
    from days
    left join named_holidays on days.date_day = named_holidays.date_day
)

select * from described
