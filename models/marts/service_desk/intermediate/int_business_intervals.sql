-- One row per calendar and unbroken stretch of its open time, in UTC, by the hours and holidays
-- that held at that time: an edit of a calendar changes what comes after it, and nothing before.
{{ config(order_by=['calendar_id', 'starts_at']) }}

{%- set calendars = ref('business_hours_history') %}

with calendar_versions as (
    {{ source_versions(calendars, 'calendar_id') }}
),

zones as (
    select * from {{ ref('rails_time_zones') }}
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
    from calendar_versions
    array join
        workday_weekdays as weekday,
        workday_opens_seconds as opens_seconds,
        workday_closes_seconds as closes_seconds
    where opens_seconds is not null and closes_seconds is not null
),

open_days as (
    select
        opening_hours.calendar_id as calendar_id,
        opening_hours.version_number as version_number,
        opening_hours.valid_from as valid_from,
        opening_hours.valid_to as valid_to,
        toDateTime(days.date_day, 'UTC')
        + toIntervalSecond(opening_hours.opens_seconds) as opens_by_clock,
        toDateTime(days.date_day, 'UTC')
        + toIntervalSecond(opening_hours.closes_seconds) as closes_by_clock,
        known_zones.time_zone as time_zone
    from opening_hours
    left join zones on opening_hours.rails_time_zone = zones.rails_time_zone
    inner join system.time_zones as known_zones
        on coalesce(zones.time_zone, opening_hours.rails_time_zone) = known_zones.time_zone
    inner join days on opening_hours.weekday = toDayOfWeek(days.date_day)
    where
        -- Three days around, for a night shift and the zone; it is cut to the second below.
        days.date_day >= toDate32(opening_hours.valid_from) - 3
        and coalesce(days.date_day <= toDate32(opening_hours.valid_to) + 3, true)
        and not has(
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

local_days as (
    select
        calendar_id,
        version_number,
        valid_from,
        valid_to,
        {{ local_instant('opens_by_clock', 'time_zone') }} as opens_at,
        {{ local_instant('closes_by_clock', 'time_zone') }} as closes_at
    from open_days
),

-- A version counts while it holds.
held as (
    select
        calendar_id,
        version_number,
        greatest(opens_at, toDateTime(valid_from, 'UTC')) as opens_at,
        coalesce(least(closes_at, toDateTime(valid_to, 'UTC')), closes_at) as closes_at
    from local_days
    where opens_at < closes_at
),

-- What a longer day before it covers already is not open twice.
uncovered as (
    select
        calendar_id,
        greatest(
            opens_at,
            max(closes_at) over (
                partition by calendar_id order by opens_at, closes_at, version_number
                rows between unbounded preceding and 1 preceding
            )
        ) as starts_at,
        closes_at as ends_at
    from held
    where opens_at < closes_at
),

summed as (
    select
        calendar_id,
        toUInt32(dateDiff('second', starts_at, ends_at)) as open_seconds,
        toUInt64(sum(open_seconds) over by_time - open_seconds) as open_seconds_before,
        starts_at,
        ends_at
    from uncovered
    where starts_at < ends_at
    window by_time as (
        partition by calendar_id order by starts_at rows between unbounded preceding and current row
    )
)

select * from summed
