-- One row per hour of the day, in UTC.
{{ config(order_by='hour_of_day') }}

with hours as (
    select
        leftPad(toString(number), 2, '0') || ':00' as hour_name,
        toLowCardinality(
            multiIf(
                number < 6, 'night', number < 12, 'morning', number < 18, 'afternoon', 'evening'
            )
        ) as day_part,
        toUInt8(number) as hour_of_day
    from numbers(24)
)

select * from hours
