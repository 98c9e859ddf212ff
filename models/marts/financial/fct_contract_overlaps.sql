-- One row per pair of contracts in force for one application whose terms overlap.
{{ config(order_by=['contract_id', 'other_contract_id']) }}

with contracts as (
    select
        *,
        divideDecimal(
            toDecimal128(coalesce(cost, 0), 4),
            toDecimal128(greatest(coalesce(term_days, 1), 1), 0),
            9
        ) as cost_per_day,
        least(coalesce(cancelled_date, end_date), end_date) as last_date
    from {{ ref('dim_contracts') }}
    where application_id > 0 and is_in_force and term_days > 0 and cost is not null
),

paired as (
    select
        contracts.contract_id as contract_id,
        others.contract_id as other_contract_id,
        contracts.application_id as application_id,
        dateDiff(
            'day',
            greatest(contracts.start_date, others.start_date),
            least(contracts.last_date, others.last_date)
        ) + 1 as overlap_days,
        -- Both licences serve the same people: the cheaper one would not have been needed.
        least(contracts.cost_per_day, others.cost_per_day) as wasted_per_day,
        greatest(contracts.start_date, others.start_date) as overlap_starts_date,
        least(contracts.last_date, others.last_date) as overlap_ends_date
    from contracts
    inner join contracts as others on contracts.application_id = others.application_id
    where
        contracts.contract_id < others.contract_id
        and contracts.start_date <= others.last_date
        and others.start_date <= contracts.last_date
),

described as (
    select
        contract_id,
        other_contract_id,
        application_id,
        toUInt16(assumeNotNull(overlap_days)) as overlap_days,
        toDecimal64(round(wasted_per_day * assumeNotNull(overlap_days), 2), 2)
            as wasted_amount,
        assumeNotNull(overlap_starts_date) as overlap_starts_date,
        assumeNotNull(overlap_ends_date) as overlap_ends_date
    from paired
)

select * from described
