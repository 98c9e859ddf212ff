-- One row per requester, as last seen.
{{
    config(
        unique_key='requester_id',
        order_by='requester_id',
        pre_hook="{{ refuse_history_loss('requester_id', source('freshservice', 'requesters'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('requesters', 'requester_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                primary_email Nullable(String),
                time_zone Nullable(String),
                language Nullable(String),
                job_title Nullable(String),
                location_name Nullable(String),
                department_ids Array(Int64),
                active Nullable(Bool),
                vip_user Nullable(Bool),
                is_agent Nullable(Bool),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as requester_id,
        {{ clean_string('record.primary_email') }} as email_pseudonym,
        {{ clean_string('record.job_title') }} as job_title,
        {{ clean_string('record.location_name') }} as location_name,
        toLowCardinality({{ clean_string('record.language') }}) as language,
        toLowCardinality({{ clean_string('record.time_zone') }}) as rails_time_zone,
        record.department_ids as department_ids,
        coalesce(record.active, false) as is_active,
        coalesce(record.vip_user, false) as is_vip,
        coalesce(record.is_agent, false) as is_agent,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('typed', ['email_pseudonym']) }}
)

select * from known_by_first_pseudonyms
