-- One row per agent group, calendar and time in which the group worked by that version of it; 0 is
-- no group, which works by the default calendar, as a group without one of its own does.
{{ config(order_by=['group_id', 'valid_from']) }}

with group_versions as (
    {{ source_versions(ref('groups_history'), 'group_id') }}
),

calendar_versions as (
    {{ source_versions(ref('business_hours_history'), 'calendar_id') }}
),

-- A calendar that was made the default one is so until another is.
defaults_since as (
    select
        calendar_id,
        if(version_number = 1, coalesce(created_at, valid_from), valid_from) as default_from
    from calendar_versions
    where is_default
),

defaults as (
    select
        calendar_id,
        if(
            row_number() over by_time = 1, toDateTime64(0, 3, 'UTC'), assumeNotNull(default_from)
        ) as valid_from,
        leadInFrame(toNullable(default_from)) over (
            order by default_from, calendar_id rows between current row and 1 following
        ) as valid_to
    from defaults_since
    window by_time as (
        order by default_from, calendar_id rows between unbounded preceding and current row
    )
),

holders as (
    select
        group_id,
        calendar_id as own_calendar_id,
        known_at,
        valid_from,
        valid_to
    from group_versions
    union all
    select
        toInt64(0) as group_id,
        null as own_calendar_id,
        (select min(known_at) from calendar_versions) as known_at,
        toDateTime64(0, 3, 'UTC') as valid_from,
        null as valid_to
),

on_default as (
    select
        holders.group_id as group_id,
        defaults.calendar_id as calendar_id,
        holders.known_at as known_at,
        greatest(holders.valid_from, defaults.valid_from) as valid_from,
        least(
            coalesce(holders.valid_to, toDateTime64('2299-12-31', 3, 'UTC')),
            coalesce(defaults.valid_to, toDateTime64('2299-12-31', 3, 'UTC'))
        ) as valid_to
    from holders
    cross join defaults
    where holders.own_calendar_id is null
),

on_calendars as (
    select
        group_id,
        assumeNotNull(own_calendar_id) as calendar_id,
        known_at,
        valid_from,
        coalesce(valid_to, toDateTime64('2299-12-31', 3, 'UTC')) as valid_to
    from holders
    where own_calendar_id is not null
    union all
    select * from on_default
),

-- Cut where the calendar changed, so that what a new version changes is a row of its own.
cut as (
    select
        on_calendars.group_id as group_id,
        on_calendars.calendar_id as calendar_id,
        greatest(
            on_calendars.known_at, coalesce(calendar_versions.known_at, on_calendars.known_at)
        ) as known_at,
        greatest(
            on_calendars.valid_from, coalesce(calendar_versions.valid_from, on_calendars.valid_from)
        ) as valid_from,
        least(on_calendars.valid_to, coalesce(calendar_versions.valid_to, on_calendars.valid_to))
            as held_to
    from on_calendars
    left join calendar_versions on on_calendars.calendar_id = calendar_versions.calendar_id
),

described as (
    select
        group_id,
        calendar_id,
        known_at,
        valid_from,
        if(toYear(held_to) = 2299, null, held_to) as valid_to
    from cut
    where valid_from < held_to
)

select * from described
