-- One row per depreciated asset and month, from its acquisition to the month of its disposal or of
-- the build: its value on the books when the month ends.
{{ config(order_by=['asset_id', 'date_month']) }}

with assets as (
    select * from {{ ref('dim_assets') }}
),

methods as (
    select * from {{ ref('depreciation_methods') }}
),

depreciated as (
    select
        assets.asset_id as asset_id,
        assets.depreciation_id as depreciation_id,
        methods.method as method,
        toDecimal128(assumeNotNull(assets.cost), 4) as cost,
        -- What is said to be worth more in the end than it cost is never written down.
        least(
            toDecimal128(coalesce(assets.salvage_value, 0), 4),
            toDecimal128(assumeNotNull(assets.cost), 4)
        )
            as salvage,
        toInt64(methods.life_years) as life_years,
        methods.yearly_rate as yearly_rate,
        assumeNotNull(assets.acquisition_date) as acquisition_date,
        -- Nothing is charged after the disposal, and nothing before its time.
        toDate32(least(coalesce(assets.disposed_at, {{ as_of() }}), {{ as_of() }})) as counts_until
    from assets
    inner join methods on assets.depreciation_id = methods.depreciation_id
    where
        assets.cost > 0
        and assets.acquisition_date is not null
        and methods.life_years > 0
        -- A declining balance never arrives at nothing: it needs a salvage value or a rate.
        and (
            methods.method != 'declining_balance'
            or methods.yearly_rate is not null
            or assets.salvage_value > 0
        )
),

by_month as (
    select
        *,
        toDate32(addMonths(toStartOfMonth(acquisition_date), month_index)) as date_month,
        greatest(
            0,
            age('month', acquisition_date, least(addMonths(date_month, 1), counts_until))
        ) as full_months,
        least(full_months, 12 * life_years) as charged_months
    from depreciated
    array join
        range(
            toUInt32(greatest(0, dateDiff('month', acquisition_date, counts_until) + 1))
        ) as month_index
),

-- Exact up to the last division, which keeps nine digits. Only a power is taken in floating point;
-- rounded to nine digits first, half a cent is half a cent (450.50 at 30% after 2 years: 220.745).
valued as (
    select
        *,
        intDiv(charged_months, 12) as charged_years,
        charged_months % 12 as months_of_year,
        multiIf(
            method = 'straight_line',
            cost - divideDecimal(
                (cost - salvage) * charged_months, toDecimal128(12 * life_years, 0), 9
            ),
            method = 'sum_of_years',
            cost - divideDecimal(
                (cost - salvage) * (
                    12 * charged_years * (2 * life_years - charged_years + 1)
                    + 2 * (life_years - charged_years) * months_of_year
                ),
                toDecimal128(12 * life_years * (life_years + 1), 0),
                9
            ),
            greatest(
                salvage,
                toDecimal128(
                    round(
                        toFloat64(cost) * pow(
                            if(
                                yearly_rate is null,
                                pow(toFloat64(salvage) / toFloat64(cost), 1 / life_years),
                                1 - toFloat64(yearly_rate)
                            ),
                            charged_months / 12
                        ),
                        9
                    ),
                    9
                )
            )
        ) as exact_value
    from by_month
),

rounded as (
    select
        *,
        toDecimal64(round(exact_value, 2), 2) as book_value,
        lagInFrame(toDecimal64(round(exact_value, 2), 2), 1, toDecimal64(cost, 2)) over (
            partition by asset_id
            order by date_month
            rows between unbounded preceding and current row
        ) as previous_value
    from valued
),

described as (
    select
        asset_id,
        depreciation_id,
        toLowCardinality(method) as method,
        toUInt16(full_months) as full_months,
        toDecimal64(cost, 2) as cost,
        toDecimal64(salvage, 2) as salvage_value,
        previous_value - book_value as charge,
        toDecimal64(cost, 2) - book_value as charged_so_far,
        book_value,
        toBool(charged_months = 12 * life_years) as is_written_down,
        toDate(date_month) as date_month
    from rounded
)

select * from described
