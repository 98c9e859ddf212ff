-- One row per person who has an application, as last seen.
{{
    config(
        unique_key=['application_id', 'application_user_id'],
        order_by=['application_id', 'application_user_id'],
        pre_hook="{{ refuse_history_loss(
            'application_id, application_user_id',
            source('freshservice', 'application_users'),
            'parent_id, record_id'
        ) }}",
    )
}}

with records as (
    {{ landed_records('application_users', 'application_user_id', parents=['application_id']) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                user_id Nullable(Int64),
                license_id Nullable(Int64),
                allocated_date Nullable(String),
                first_used Nullable(String),
                last_used Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        parent_id as application_id,
        record_id as application_user_id,
        coalesce(record.user_id, 0) as user_id,
        coalesce(record.license_id, 0) as license_id,
        {{ parse_instant('record.allocated_date') }} as allocated_at,
        {{ parse_instant('record.first_used') }} as first_used_at,
        {{ parse_instant('record.last_used') }} as last_used_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
