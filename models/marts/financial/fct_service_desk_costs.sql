-- One row per month: what the service desk cost, and the tickets it resolved for that.
{{ config(order_by='date_month') }}

with time_entries as (
    select * from {{ ref('fct_time_entries') }}
    where ticket_id > 0 and logged_seconds is not null
),

rate_card as (
    select * from {{ ref('rate_card') }}
),

accruals as (
    select * from {{ ref('fct_contract_accruals') }}
),

tickets as (
    select * from {{ ref('fct_tickets') }}
    where excluded_reason is null and resolved_at is not null
),

logged as (
    select
        group_id,
        toDate(executed_at) as date_day,
        sum(assumeNotNull(time_entries.logged_seconds)) as logged_seconds
    from time_entries
    group by group_id, date_day
),

-- The rate that held on the day: the group's own, or else that of any group (0).
rated as (
    select
        logged.date_day as date_day,
        logged.logged_seconds as logged_seconds,
        argMaxIf(
            rate_card.hourly_rate,
            rate_card.group_id,
            logged.date_day >= rate_card.valid_from
            and coalesce(logged.date_day < rate_card.valid_to, true)
        ) as found_rate,
        countIf(
            logged.date_day >= rate_card.valid_from
            and coalesce(logged.date_day < rate_card.valid_to, true)
        ) as rates_count
    from logged
    cross join rate_card
    where rate_card.group_id in (0, logged.group_id)
    group by logged.group_id, date_day, logged_seconds
),

labour as (
    select
        toStartOfMonth(date_day) as date_month,
        sum(rated.logged_seconds) as logged_seconds,
        sumIf(rated.logged_seconds, rates_count = 0) as unrated_seconds,
        divideDecimal(
            sumIf(toDecimal128(found_rate, 4) * rated.logged_seconds, rates_count > 0),
            toDecimal128(3600, 0),
            6
        ) as labour_cost
    from rated
    group by date_month
),

tools as (
    select
        date_month,
        sum(toDecimal128(accrued_amount, 2) * service_desk_share_ratio) as tool_cost
    from accruals
    where date_month <= toDate({{ as_of() }})
    group by date_month
),

resolved as (
    select
        toStartOfMonth(toDate(resolved_at)) as date_month,
        count() as resolved_count
    from tickets
    group by date_month
),

months as (
    select date_month from labour
    union distinct
    select date_month from resolved
),

costed as (
    select
        toInt64(coalesce(labour.logged_seconds, 0)) as logged_seconds,
        toInt64(coalesce(labour.unrated_seconds, 0)) as unrated_seconds,
        toUInt32(coalesce(resolved.resolved_count, 0)) as resolved_count,
        toDecimal64(round(coalesce(labour.labour_cost, 0), 2), 2) as labour_cost,
        toDecimal64(round(coalesce(tools.tool_cost, 0), 2), 2) as tool_cost,
        labour_cost + tool_cost as total_cost,
        if(
            resolved_count = 0,
            null,
            toDecimal64(
                round(
                    divideDecimal(
                        toDecimal128(total_cost, 2), toDecimal128(greatest(resolved_count, 1), 0), 6
                    ),
                    2
                ),
                2
            )
        ) as cost_per_ticket,
        assumeNotNull(months.date_month) as date_month
    from months
    left join labour on months.date_month = labour.date_month
    left join tools on months.date_month = tools.date_month
    left join resolved on months.date_month = resolved.date_month
)

select * from costed
