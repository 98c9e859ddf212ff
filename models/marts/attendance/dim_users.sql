-- One row per person who registered, used the app or has a profile, known by a pseudonym alone.
{{
    config(
        materialized='incremental',
        unique_key='user_key',
        order_by='user_key',
    )
}}

with registration_messages as (
    select * from {{ ref('stg_event_management__registrations') }}
),

app_users as (
    select * from {{ ref('int_app_users_seen') }}
),

profiles as (
    select * from {{ ref('stg_integrated_platform__profiles') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

-- An address may have more than one account at the desk: the first is the person.
requesters as (
    select
        email_pseudonym,
        min(requester_id) as requester_id
    from customers
    where email_pseudonym is not null
    group by email_pseudonym
),

newly_told_of as (
    select assumeNotNull(user_id) as user_key
    from registration_messages
    where user_id is not null and {{ built_since_last_build() }}
    union distinct
    select user_key
    from app_users
    where {{ built_since_last_build() }}
    union distinct
    select user_id as user_key
    from profiles
    where {{ built_since_last_build() }}
    {%- if is_incremental() %}
    union distinct
    -- Another account has their address, or none has it any more.
    select known.user_key as user_key
    from {{ this }} as known
    left join requesters on known.email_pseudonym = requesters.email_pseudonym
    where known.requester_id != coalesce(requesters.requester_id, 0)
    {%- endif %}
),

-- Worked out once, as an array: a CTE is worked out wherever it is named.
touched as (
    select arrayJoin((select groupUniqArray(user_key) from newly_told_of)) as user_key
),

-- Whoever ever held a registration; the address is the one given last.
holders as (
    select
        user_id,
        argMaxIf(email_pseudonym, {{ message_order() }}, email_pseudonym is not null)
            as email_pseudonym
    from registration_messages
    where user_id in (select user_key from touched)
    group by user_id
),

touched_app_users as (
    select user_key
    from app_users
    where user_key in (select user_key from touched)
),

touched_profiles as (
    select *
    from profiles
    where user_id in (select user_key from touched)
),

known as (
    select
        touched.user_key as user_key,
        touched_profiles.organization_id as organization_id,
        coalesce(holders.email_pseudonym, touched_profiles.email_pseudonym) as email_pseudonym,
        touched_profiles.segment as segment,
        touched_profiles.country as country,
        toBool(holders.user_id is not null) as is_registered,
        toBool(touched_app_users.user_key is not null) as is_app_user,
        toBool(touched_profiles.user_id is not null) as has_profile
    from touched
    left join holders on touched.user_key = holders.user_id
    left join touched_app_users on touched.user_key = touched_app_users.user_key
    left join touched_profiles on touched.user_key = touched_profiles.user_id
),

described as (
    select
        known.user_key as user_key,
        coalesce(requesters.requester_id, 0) as requester_id,
        known.organization_id as organization_id,
        known.email_pseudonym as email_pseudonym,
        known.segment as segment,
        known.country as country,
        known.is_registered as is_registered,
        known.is_app_user as is_app_user,
        known.has_profile as has_profile,
        toBool(requesters.requester_id is not null) as is_customer,
        {{ built_at() }} as built_at
    from known
    left join requesters on known.email_pseudonym = requesters.email_pseudonym
)

select * from described
