-- One row per calendar and unbroken stretch of its open time, in UTC.
{{ config(order_by=['calendar_id', 'starts_at']) }}

{%- set calendars = ref('stg_freshservice__business_hours') %}
{%- set zones = ref('rails_time_zones') %}

with calendars as (
    select * from {{ calendars }}
),

zones as (
    select * from {{ zones }}
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

opening_hours as (
    select
        * except (workday_weekdays, workday_opens_seconds, workday_closes_seconds),
        weekday,
        assumeNotNull(opens_seconds) as opens_seconds,
        -- A day that ends at or before its beginning ends on the next day: midnight, a night shift.
        -- 11:59 pm is midnight too: the API's clock has no 24:00, and this is how it writes 24x7.
        multiIf(
            closes_seconds = 86340, 86400,
            closes_seconds <= opens_seconds, assumeNotNull(closes_seconds) + 86400,
            assumeNotNull(closes_seconds)
        ) as closes_seconds
    from calendars
    array join
        workday_weekdays as weekday,
        workday_opens_seconds as opens_seconds,
        workday_closes_seconds as closes_seconds
    where opens_seconds is not null and closes_seconds is not null
),

open_days as (
    select
        opening_hours.calendar_id as calendar_id,
        days.date_day as date_day,
        opening_hours.opens_seconds as opens_seconds,
        opening_hours.closes_seconds as closes_seconds,
        coalesce(zones.time_zone, opening_hours.rails_time_zone) as time_zone
    from opening_hours
    left join zones on opening_hours.rails_time_zone = zones.rails_time_zone
    inner join days on opening_hours.weekday = toDayOfWeek(days.date_day)
    where
        not has(
            arrayZip(
                opening_hours.holiday_years,
                opening_hours.holiday_months,
                opening_hours.holiday_days
            ),
            (toYear(days.date_day), toMonth(days.date_day), toDayOfMonth(days.date_day))
        )
        and not has(
            arrayZip(
                opening_hours.holiday_years,
                opening_hours.holiday_months,
                opening_hours.holiday_days
            ),
            (0, toMonth(days.date_day), toDayOfMonth(days.date_day))
        )
),

-- ClickHouse wants a zone to be a constant: one branch for each zone that a calendar has.
intervals as (
    {%- for zone in calendar_time_zones(calendars, zones) %}
    select
        calendar_id,
        {{ local_instant('date_day', 'opens_seconds', zone) }} as starts_at,
        {{ local_instant('date_day', 'closes_seconds', zone) }} as ends_at
    from open_days
    where time_zone = '{{ zone }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

summed as (
    select
        calendar_id,
        toUInt32(dateDiff('second', starts_at, ends_at)) as open_seconds,
        toUInt64(sum(open_seconds) over by_time - open_seconds) as open_seconds_before,
        starts_at,
        ends_at
    from intervals
    window by_time as (
        partition by calendar_id order by starts_at rows between unbounded preceding and current row
    )
)

select * from summed
