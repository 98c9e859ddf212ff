-- One row per asset and version of it, as far as versions were seen to differ. Half-open: a version
-- holds from valid_from and no more at valid_to.
{{ config(order_by=['asset_id', 'valid_from']) }}
{%- set attributes = [
    'asset_display_id', 'asset_type_id', 'product_id', 'vendor_id', 'depreciation_id', 'user_id',
    'department_id', 'location_id', 'agent_id', 'group_id', 'asset_tag', 'impact', 'usage_type',
    'asset_state', 'cost', 'salvage_value', 'is_trashed', 'acquisition_date',
    'warranty_expiry_date', 'end_of_life_date', 'assigned_at', 'created_at',
] %}

with versions as (
    select * from {{ ref('stg_freshservice__assets') }}
),

-- What a version says, but for when it was written.
hashed as (
    select
        *,
        cityHash64(tuple({{ attributes | join(', ') }})) as attributes_hash
    from versions
),

compared as (
    select
        *,
        row_number() over by_asset as version_number,
        lagInFrame(attributes_hash) over by_asset as previous_hash
    from hashed
    window by_asset as (
        partition by asset_id
        order by updated_at
        rows between unbounded preceding and current row
    )
),

-- The first version that was seen stands for all the time before it.
begun as (
    select
        *,
        if(version_number = 1, least(created_at, updated_at), updated_at) as valid_from
    from compared
    where version_number = 1 or attributes_hash != previous_hash
),

ended as (
    select
        asset_id,
        {%- for attribute in attributes %}
        {{ attribute }},
        {%- endfor %}
        toBool(version_number = 1) as is_first_seen,
        updated_at as seen_from,
        valid_from,
        leadInFrame(toNullable(valid_from)) over (
            partition by asset_id
            order by valid_from
            rows between current row and unbounded following
        ) as valid_to
    from begun
)

select * from ended
