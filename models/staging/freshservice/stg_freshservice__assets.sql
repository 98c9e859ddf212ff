-- One row per version of an asset: what it was at updated_at. Freshservice keeps no history of
-- assets, so the versions that landed are the history that there is.
{{
    config(
        unique_key=['asset_id', 'updated_at'],
        order_by=['asset_id', 'updated_at'],
        pre_hook="{{ refuse_history_loss('asset_id', source('freshservice', 'assets'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('assets', 'asset_id', keeps_versions=true) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                display_id Nullable(Int64),
                asset_type_id Nullable(Int64),
                user_id Nullable(Int64),
                department_id Nullable(Int64),
                location_id Nullable(Int64),
                agent_id Nullable(Int64),
                group_id Nullable(Int64),
                asset_tag Nullable(String),
                impact Nullable(String),
                usage_type Nullable(String),
                trashed Nullable(Bool),
                type_fields Map(String, Nullable(String)),
                end_of_life Nullable(String),
                assigned_on Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

-- Fields of a type are suffixed by the id of the type, or of the one above it, that brings them:
-- cost_12 is a cost. A field that two types bring is taken from the asset's own.
sorted as (
    select
        *,
        arraySort(
            field -> (
                not endsWith(field.1, concat('_', toString(record.asset_type_id))), field.1
            ),
            arrayFilter(
                field -> field.2 is not null,
                arrayZip(mapKeys(record.type_fields), mapValues(record.type_fields))
            )
        ) as own_first
    from parsed
),

unpivoted as (
    select
        *,
        mapFromArrays(
            arrayMap(field -> replaceRegexpOne(field.1, '_\\d+$', ''), own_first),
            arrayMap(field -> field.2, own_first)
        ) as type_fields
    from sorted
),

typed as (
    select
        record_id as asset_id,
        coalesce(record.display_id, 0) as asset_display_id,
        coalesce(record.asset_type_id, 0) as asset_type_id,
        coalesce(toInt64OrNull(type_fields['product']), 0) as product_id,
        coalesce(toInt64OrNull(type_fields['vendor']), 0) as vendor_id,
        coalesce(toInt64OrNull(type_fields['depreciation_id']), 0) as depreciation_id,
        coalesce(record.user_id, 0) as user_id,
        coalesce(record.department_id, 0) as department_id,
        coalesce(record.location_id, 0) as location_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.group_id, 0) as group_id,
        {{ clean_string('record.asset_tag') }} as asset_tag,
        toLowCardinality(lower({{ clean_string('record.impact') }})) as impact,
        toLowCardinality(lower({{ clean_string('record.usage_type') }})) as usage_type,
        toLowCardinality({{ clean_string("type_fields['asset_state']") }}) as asset_state,
        toDecimal64OrNull(type_fields['cost'], 4) as cost,
        toDecimal64OrNull(type_fields['salvage'], 4) as salvage_value,
        coalesce(record.trashed, false) as is_trashed,
        toDate32({{ parse_instant("type_fields['acquisition_date']") }}) as acquisition_date,
        toDate32({{ parse_instant("type_fields['warranty_expiry_date']") }})
            as warranty_expiry_date,
        toDate32({{ parse_instant('record.end_of_life') }}) as end_of_life_date,
        {{ parse_instant('record.assigned_on') }} as assigned_at,
        coalesce({{ parse_instant('record.created_at') }}, updated_at) as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from unpivoted
)

select * from typed
