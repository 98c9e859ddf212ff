-- One row per asset and month of its life: the time it spent in use and idle, and what broke.
{{ config(order_by=['asset_id', 'date_month']) }}

with states as (
    select * from {{ ref('fct_asset_states') }}
),

book_values as (
    select * from {{ ref('fct_asset_book_values') }}
),

ticket_views as (
    select * from {{ ref('stg_freshservice__ticket_views') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
),

by_month as (
    select
        states.asset_id as asset_id,
        states.asset_display_id as asset_display_id,
        states.asset_type_id as asset_type_id,
        states.is_in_use as is_in_use,
        states.is_in_fleet as is_in_fleet,
        states.is_disposed as is_disposed,
        toDate(addMonths(toStartOfMonth(states.starts_at), month_index)) as date_month,
        age(
            'second',
            greatest(states.starts_at, toDateTime64(date_month, 3, 'UTC')),
            least(
                states.starts_at + toIntervalSecond(states.state_seconds),
                toDateTime64(addMonths(date_month, 1), 3, 'UTC')
            )
        ) as seconds
    from states
    array join
        range(
            toUInt32(
                dateDiff(
                    'month',
                    states.starts_at,
                    states.starts_at + toIntervalSecond(states.state_seconds)
                ) + 1
            )
        ) as month_index
),

summed as (
    select
        asset_id,
        date_month,
        any(asset_display_id) as asset_display_id,
        any(asset_type_id) as asset_type_id,
        sum(seconds) as owned_seconds,
        sumIf(seconds, is_in_use) as in_use_seconds,
        sumIf(seconds, is_in_fleet) as fleet_seconds
    from by_month
    where not is_disposed
    group by asset_id, date_month
),

incidents as (
    select
        asset_display_id,
        toDate(toStartOfMonth(tickets.created_at)) as date_month,
        count() as incidents_count
    from ticket_views
    array join asset_display_ids as asset_display_id
    inner join tickets on ticket_views.ticket_id = tickets.ticket_id
    where tickets.excluded_reason is null and tickets.ticket_type = 'Incident'
    group by asset_display_id, date_month
),

described as (
    select
        summed.asset_id as asset_id,
        summed.asset_type_id as asset_type_id,
        toInt64(summed.in_use_seconds) as in_use_seconds,
        toInt64(summed.fleet_seconds - summed.in_use_seconds) as idle_seconds,
        toInt64(summed.fleet_seconds) as fleet_seconds,
        toUInt32(coalesce(incidents.incidents_count, 0)) as incidents_count,
        toDecimal64(
            round(
                divideDecimal(
                    toDecimal128(book_values.charge, 2)
                    * toInt64(summed.fleet_seconds - summed.in_use_seconds),
                    toDecimal128(greatest(summed.owned_seconds, 1), 0),
                    6
                ),
                2
            ),
            2
        ) as idle_cost,
        summed.date_month as date_month
    from summed
    left join book_values
        on
            summed.asset_id = book_values.asset_id
            and summed.date_month = book_values.date_month
    left join incidents
        on
            summed.asset_display_id = incidents.asset_display_id
            and summed.date_month = incidents.date_month
)

select * from described
