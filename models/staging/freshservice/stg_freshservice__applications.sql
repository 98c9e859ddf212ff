-- One row per application (software), as last seen.
{{
    config(
        unique_key='application_id',
        order_by='application_id',
        pre_hook="{{ refuse_history_loss('application_id', source('freshservice', 'applications'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('applications', 'application_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                name Nullable(String),
                publisher_id Nullable(Int64),
                managed_by_id Nullable(Int64),
                category Nullable(String),
                application_type Nullable(String),
                status Nullable(String),
                user_count Nullable(UInt32),
                installation_count Nullable(UInt32),
                additional_data Tuple(last_sync_date Nullable(String)),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as application_id,
        coalesce(record.publisher_id, 0) as vendor_id,
        coalesce(record.managed_by_id, 0) as managed_by_agent_id,
        {{ clean_string('record.name') }} as application_name,
        toLowCardinality({{ clean_string('record.category') }}) as category,
        toLowCardinality(lower({{ clean_string('record.application_type') }})) as application_type,
        toLowCardinality(lower({{ clean_string('record.status') }})) as application_status,
        coalesce(record.user_count, 0) as users_count,
        coalesce(record.installation_count, 0) as installations_count,
        coalesce(
            {{ parse_instant('record.additional_data.last_sync_date') }}, updated_at
        ) as synced_at,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
