-- One row per contract and month of its term: the part of its cost that the month bears, to the end
-- of the term, be it in the future.
{{ config(order_by=['contract_id', 'date_month']) }}

with contracts as (
    select * from {{ ref('dim_contracts') }}
    where is_in_force and start_date is not null and cost is not null
),

-- A contract without an end has no days to spread its cost over: the month in which it starts bears
-- all of it.
bounded as (
    select
        contract_id,
        vendor_id,
        contract_type_id,
        application_id,
        toDecimal128(assumeNotNull(cost), 4) as cost,
        service_desk_share_ratio,
        is_perpetual,
        assumeNotNull(start_date) as start_date,
        assumeNotNull(
            least(
                coalesce(contracts.cancelled_date, contracts.end_date, contracts.start_date),
                coalesce(contracts.end_date, contracts.start_date)
            )
        ) as last_date,
        assumeNotNull(coalesce(contracts.term_days, 1)) as term_days
    from contracts
    where is_perpetual or contracts.term_days > 0
),

by_month as (
    select
        *,
        toDate32(addMonths(toStartOfMonth(start_date), month_index)) as date_month,
        -- Days borne before the month and by its end, so that the roundings of a term cancel out.
        greatest(0, dateDiff('day', start_date, least(date_month - 1, last_date)) + 1)
            as days_before,
        greatest(
            0, dateDiff('day', start_date, least(addMonths(date_month, 1) - 1, last_date)) + 1
        ) as days_so_far
    from bounded
    array join range(toUInt32(greatest(0, dateDiff('month', start_date, last_date) + 1)))
        as month_index
),

accrued as (
    select
        contract_id,
        vendor_id,
        contract_type_id,
        application_id,
        toUInt16(days_so_far - days_before) as overlap_days,
        toDecimal64(
            round(divideDecimal(cost * days_so_far, toDecimal128(term_days, 0), 9), 2)
            - round(divideDecimal(cost * days_before, toDecimal128(term_days, 0), 9), 2),
            2
        ) as accrued_amount,
        service_desk_share_ratio,
        is_perpetual,
        toDate(date_month) as date_month
    from by_month
)

select * from accrued
