-- One row per month and assumption that held on its first day: an estimate, no better than that.
{{ config(order_by=['date_month', 'assumption_id']) }}

with assumptions as (
    select * from {{ ref('roi_assumptions') }}
),

desk_costs as (
    select * from {{ ref('fct_service_desk_costs') }}
),

estimated as (
    select
        assumptions.assumption_id as assumption_id,
        toLowCardinality(assumptions.kind) as kind,
        assumptions.benefit as benefit,
        toDecimal64(
            if(assumptions.driver = 'resolved_tickets', desk_costs.resolved_count, 1)
            * toDecimal128(assumptions.quantity_per_unit, 6),
            6
        ) as quantity,
        -- A deflected ticket is worth what a resolved one cost in that month.
        toDecimal64OrNull(
            toString(
                if(
                    assumptions.unit_amount is null,
                    desk_costs.cost_per_ticket,
                    toDecimal64(assumptions.unit_amount, 2)
                )
            ),
            2
        ) as unit_amount,
        toDecimal64(
            round(toDecimal128(quantity, 6) * coalesce(unit_amount, toDecimal64(0, 2)), 2), 2
        ) as estimated_amount,
        desk_costs.date_month as date_month
    from desk_costs
    cross join assumptions
    where
        desk_costs.date_month >= assumptions.valid_from
        and coalesce(desk_costs.date_month < assumptions.valid_to, true)
),

compared as (
    select
        assumption_id,
        kind,
        benefit,
        quantity,
        unit_amount,
        estimated_amount,
        sumIf(toDecimal128(estimated_amount, 2), kind = 'benefit') over by_month as benefits,
        sumIf(toDecimal128(estimated_amount, 2), kind = 'cost') over by_month as costs,
        date_month
    from estimated
    window by_month as (partition by date_month)
),

described as (
    select
        assumption_id,
        kind,
        benefit,
        quantity,
        unit_amount,
        estimated_amount,
        if(
            costs = 0,
            null,
            toDecimal64(divideDecimal(benefits - costs, if(costs = 0, 1, costs), 4), 4)
        ) as month_roi_ratio,
        date_month
    from compared
)

select * from described
