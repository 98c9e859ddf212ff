-- One row per person whom the platform knows, as last seen.
{{
    config(
        unique_key='user_id',
        order_by='user_id',
        pre_hook="{{ refuse_history_loss('user_id', '(' ~ first_pseudonyms(source('integrated_platform', 'profiles'), ['record_id']) ~ ')', 'record_id', called=source('integrated_platform', 'profiles')) }}",
    )
}}

with records as (
    {{ landed_records('profiles', 'user_id', system='integrated_platform', is_person=true) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                organization_id Nullable(String),
                email Nullable(String),
                segment Nullable(String),
                country Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as user_id,
        {{ clean_string('record.organization_id') }} as organization_id,
        {{ clean_string('record.email') }} as email_pseudonym,
        toLowCardinality(lower({{ clean_string('record.segment') }})) as segment,
        toLowCardinality(upper({{ clean_string('record.country') }})) as country,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
),

known_by_first_pseudonyms as (
    {{ first_pseudonyms('typed', ['email_pseudonym']) }}
)

select * from known_by_first_pseudonyms
