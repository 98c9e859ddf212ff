-- One row per horizon of 30, 60 and 90 days and kind of renewal: the active contracts whose term
-- ends within it. A horizon holds the shorter ones.
{{ config(order_by=['horizon_days', 'is_auto_renewed']) }}

with contracts as (
    select * from {{ ref('dim_contracts') }}
    where is_active and not is_perpetual
),

horizons as (
    select
        toUInt8(arrayJoin([30, 60, 90])) as horizon_days,
        arrayJoin([false, true]) as is_auto_renewed
),

exposed as (
    select
        horizons.horizon_days as horizon_days,
        horizons.is_auto_renewed as is_auto_renewed,
        toUInt32(count(contracts.contract_id)) as contracts_count,
        toDecimal64(sum(coalesce(contracts.cost, 0)), 2) as exposed_cost,
        toDate({{ as_of() }}) as as_of_date
    from horizons
    left join contracts
        on
            horizons.is_auto_renewed = contracts.is_auto_renewed
            and dateDiff('day', toDate32({{ as_of() }}), contracts.end_date)
            <= horizons.horizon_days
    group by horizon_days, is_auto_renewed
)

select * from exposed
