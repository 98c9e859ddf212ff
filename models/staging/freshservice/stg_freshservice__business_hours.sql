-- One row per calendar of business hours, as last seen; its days and holidays are arrays.
{{
    config(
        unique_key='calendar_id',
        order_by='calendar_id',
        pre_hook="{{ refuse_history_loss('calendar_id', source('freshservice', 'business_hours'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('business_hours', 'calendar_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                is_default Nullable(Bool),
                time_zone Nullable(String),
                service_desk_hours Map(
                    String,
                    Tuple(beginning_of_workday String, end_of_workday String)
                ),
                list_of_holidays Array(Tuple(holiday_date String, holiday_name String)),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

-- In a fixed order, so that the same calendar is always the same row.
sorted as (
    select
        *,
        arraySort(
            arrayMap(
                (day, hours) -> (
                    toUInt8(
                        indexOf(
                            ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], left(lower(day), 3)
                        )
                    ),
                    {{ clock_to_seconds('hours.beginning_of_workday') }},
                    {{ clock_to_seconds('hours.end_of_workday') }}
                ),
                mapKeys(record.service_desk_hours),
                mapValues(record.service_desk_hours)
            )
        ) as workdays,
        arraySort(
            arrayMap(
                (parts, name) -> (
                    toUInt16OrZero(parts[1]), toUInt8OrZero(parts[2]), toUInt8OrZero(parts[3]), name
                ),
                arrayMap(
                    holiday_date -> extractGroups(
                        holiday_date, '^(\\d{4}|-)-(\\d{1,2})-(\\d{1,2})'
                    ),
                    record.list_of_holidays.holiday_date
                ),
                record.list_of_holidays.holiday_name
            )
        ) as holidays
    from parsed
),

typed as (
    select
        record_id as calendar_id,
        {{ clean_string('record.name') }} as calendar_name,
        toLowCardinality({{ clean_string('record.time_zone') }}) as rails_time_zone,
        workdays.1 as workday_weekdays,
        workdays.2 as workday_opens_seconds,
        workdays.3 as workday_closes_seconds,
        holidays.1 as holiday_years,
        holidays.2 as holiday_months,
        holidays.3 as holiday_days,
        holidays.4 as holiday_names,
        coalesce(record.is_default, false) as is_default,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from sorted
)

select * from typed
