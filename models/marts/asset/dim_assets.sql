-- One row per asset, as last seen.
{{ config(order_by='asset_id') }}

with versions as (
    select * from {{ ref('dim_asset_versions') }}
    where valid_to is null
),

states as (
    select * from {{ ref('fct_asset_states') }}
    where is_current
),

products as (
    select * from {{ ref('stg_freshservice__products') }}
),

asset_types as (
    select * from {{ ref('stg_freshservice__asset_types') }}
),

described as (
    select
        versions.asset_id as asset_id,
        versions.asset_display_id as asset_display_id,
        versions.asset_type_id as asset_type_id,
        versions.product_id as product_id,
        versions.vendor_id as vendor_id,
        -- A method of the asset's own comes before that of its product.
        if(
            versions.depreciation_id > 0,
            versions.depreciation_id,
            coalesce(products.depreciation_id, 0)
        ) as depreciation_id,
        versions.user_id as user_id,
        versions.department_id as department_id,
        versions.location_id as location_id,
        versions.agent_id as agent_id,
        versions.group_id as group_id,
        versions.asset_tag as asset_tag,
        toLowCardinality(coalesce(asset_types.asset_type_name, 'Unknown')) as asset_type_name,
        toLowCardinality(coalesce(products.product_name, 'Unknown')) as product_name,
        versions.impact as impact,
        versions.usage_type as usage_type,
        states.asset_state as asset_state,
        toDecimal64OrNull(toString(versions.cost), 2) as cost,
        toDecimal64OrNull(toString(versions.salvage_value), 2) as salvage_value,
        dateDiff('day', versions.acquisition_date, toDate32({{ as_of() }})) as age_days,
        dateDiff('day', toDate32({{ as_of() }}), versions.warranty_expiry_date)
            as warranty_left_days,
        dateDiff('day', toDate32({{ as_of() }}), versions.end_of_life_date) as life_left_days,
        states.is_in_use as is_in_use,
        states.is_in_fleet as is_in_fleet,
        states.is_disposed as is_disposed,
        versions.acquisition_date as acquisition_date,
        versions.warranty_expiry_date as warranty_expiry_date,
        versions.end_of_life_date as end_of_life_date,
        versions.assigned_at as assigned_at,
        least(versions.valid_from, versions.created_at) as created_at,
        if(states.is_disposed, states.starts_at, null) as disposed_at
    from versions
    inner join states on versions.asset_id = states.asset_id
    left join products on versions.product_id = products.product_id
    left join asset_types on versions.asset_type_id = asset_types.asset_type_id
)

select * from described
