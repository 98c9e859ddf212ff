-- One row per contract, which is one term of an agreement, as last seen.
{{ config(order_by='contract_id') }}

with contracts as (
    select * from {{ ref('stg_freshservice__contracts') }}
),

contract_types as (
    select * from {{ ref('contract_types') }}
),

described as (
    select
        contracts.contract_id as contract_id,
        contracts.vendor_id as vendor_id,
        contracts.contract_type_id as contract_type_id,
        contracts.application_id as application_id,
        contracts.future_contract_id as future_contract_id,
        contracts.contract_number as contract_number,
        contracts.contract_name as contract_name,
        toLowCardinality(coalesce(contract_types.contract_type_name, 'Unknown'))
            as contract_type_name,
        toLowCardinality(coalesce(contracts.contract_status, 'unknown')) as contract_status,
        contracts.billing_cycle as billing_cycle,
        contracts.license_type as license_type,
        toDecimal64(contracts.cost, 2) as cost,
        toUInt32(
            arraySum(
                arrayMap(
                    (model, bought) -> if(model = 'per_unit', greatest(coalesce(bought, 0), 0), 0),
                    contracts.item_pricing_models,
                    contracts.item_counts
                )
            )
        ) as seats_count,
        toDecimal64(
            arraySum(
                arrayMap(
                    (model, bought, cost) -> if(
                        model = 'per_unit', coalesce(cost * greatest(bought, 0), 0), 0
                    ),
                    contracts.item_pricing_models,
                    contracts.item_counts,
                    contracts.item_unit_costs
                )
            ),
            2
        ) as seats_cost,
        dateDiff('day', contracts.start_date, contracts.end_date) + 1 as term_days,
        coalesce(contract_types.service_desk_share_ratio, 0) as service_desk_share_ratio,
        contracts.is_auto_renewed as is_auto_renewed,
        toBool(
            coalesce(
                contracts.contract_status = 'active'
                and contracts.start_date <= toDate32({{ as_of() }}),
                false
            )
            and coalesce(contracts.end_date >= toDate32({{ as_of() }}), true)
        ) as is_active,
        toBool(
            coalesce(contracts.contract_status in ('active', 'expired', 'cancelled'), false)
        ) as is_in_force,
        toBool(contracts.end_date is null) as is_perpetual,
        contracts.start_date as start_date,
        contracts.end_date as end_date,
        -- The day on which it was ended early: nothing is written on a cancelled contract later.
        if(contracts.contract_status = 'cancelled', toDate32(contracts.updated_at), null)
            as cancelled_date,
        contracts.created_at as created_at
    from contracts
    left join contract_types on contracts.contract_type_id = contract_types.contract_type_id
)

select * from described
