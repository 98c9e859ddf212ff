-- One row per person who registered, used the app or has a profile, known by a pseudonym alone.
{{ config(order_by='user_key') }}

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

-- Whoever ever held a registration; the address is the one given last.
holders as (
    select
        user_id,
        argMaxIf(email_pseudonym, {{ message_order() }}, email_pseudonym is not null)
            as email_pseudonym
    from registration_messages
    where user_id is not null
    group by user_id
),

people as (
    select assumeNotNull(user_id) as user_key from holders
    union distinct
    select user_key from app_users
    union distinct
    select user_id from profiles
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

known as (
    select
        people.user_key as user_key,
        profiles.organization_id as organization_id,
        coalesce(holders.email_pseudonym, profiles.email_pseudonym) as email_pseudonym,
        profiles.segment as segment,
        profiles.country as country,
        toBool(holders.user_id is not null) as is_registered,
        toBool(app_users.user_key is not null) as is_app_user,
        toBool(profiles.user_id is not null) as has_profile
    from people
    left join holders on people.user_key = holders.user_id
    left join app_users on people.user_key = app_users.user_key
    left join profiles on people.user_key = profiles.user_id
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
        toBool(requesters.requester_id is not null) as is_customer
    from known
    left join requesters on known.email_pseudonym = requesters.email_pseudonym
)

select * from described
