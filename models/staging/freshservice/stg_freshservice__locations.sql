-- One row per place of the organisation, as last seen.
{{
    config(
        unique_key='location_id',
        order_by='location_id',
        pre_hook="{{ refuse_history_loss('location_id', source('freshservice', 'locations'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('locations', 'location_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                parent_location_id Nullable(Int64),
                primary_contact_id Nullable(Int64),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as location_id,
        coalesce(record.parent_location_id, 0) as parent_location_id,
        coalesce(record.primary_contact_id, 0) as contact_requester_id,
        {{ clean_string('record.name') }} as location_name,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
