-- One row per person who may ask the service desk for help; 0 is nobody, and a requester that only
-- tickets know has nothing but the id, unless the list of agents knows more.
{{ config(order_by='requester_id') }}

with requesters as (
    select * from {{ ref('stg_freshservice__requesters') }}
),

agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

tickets as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

attendees as (
    select distinct email_pseudonym as attendee_pseudonym
    from {{ ref('fct_registrations') }}
    where email_pseudonym is not null
),

all_requesters as (
    select toInt64(0) as requester_id
    union distinct
    select requester_id from requesters
    union distinct
    select requester_id from tickets
),

known as (
    select
        all_requesters.requester_id as requester_id,
        coalesce(requesters.email_pseudonym, agents.email_pseudonym) as email_pseudonym,
        requesters.job_title as job_title,
        requesters.location_name as location_name,
        toLowCardinality(
            multiIf(
                all_requesters.requester_id = 0, 'nobody',
                requesters.is_active, 'active',
                requesters.requester_id is not null, 'inactive',
                agents.agent_id is not null, 'agent',
                'unknown'
            )
        ) as requester_state,
        toBool(coalesce(requesters.is_vip, false)) as is_vip,
        toBool(agents.agent_id is not null) as is_agent,
        coalesce(requesters.created_at, agents.created_at) as created_at
    from all_requesters
    left join requesters on all_requesters.requester_id = requesters.requester_id
    left join agents on all_requesters.requester_id = agents.agent_id
),

-- The e-mail is hashed alike in both worlds, so an equal pseudonym is the same person.
described as (
    select
        known.* except (created_at),
        toBool(attendees.attendee_pseudonym is not null) as is_attendee,
        known.created_at as created_at
    from known
    left join attendees on known.email_pseudonym = attendees.attendee_pseudonym
)

select * from described -- noqa: AM04
