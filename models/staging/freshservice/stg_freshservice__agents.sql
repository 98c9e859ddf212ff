-- One row per agent, as last seen.
{{
    config(
        unique_key='agent_id',
        order_by='agent_id',
        pre_hook="{{ refuse_history_loss('agent_id', source('freshservice', 'agents'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('agents', 'agent_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                full_name Nullable(String),
                email Nullable(String),
                job_title Nullable(String),
                time_zone Nullable(String),
                language Nullable(String),
                active Nullable(Bool),
                occasional Nullable(Bool),
                member_of Array(Int64),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as agent_id,
        {{ clean_string('record.full_name') }} as full_name_pseudonym,
        {{ clean_string('record.email') }} as email_pseudonym,
        {{ clean_string('record.job_title') }} as job_title,
        record.member_of as group_ids,
        toLowCardinality({{ clean_string('record.language') }}) as language,
        toLowCardinality({{ clean_string('record.time_zone') }}) as rails_time_zone,
        coalesce(record.active, false) as is_active,
        coalesce(record.occasional, false) as is_occasional,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('typed', ['email_pseudonym', 'full_name_pseudonym']) }}
)

select * from known_by_first_pseudonyms
