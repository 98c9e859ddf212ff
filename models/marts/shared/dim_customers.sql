-- One row per person who may ask the service desk for help; 0 is nobody, and a requester that only
-- tickets know has nothing but the id, unless the list of agents knows more. Of one whom the source
-- has forgotten only the id is left, so that the tickets still count.
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

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'requesters'
),

attendees as (
    select distinct email_pseudonym as attendee_pseudonym
    from {{ ref('fct_registrations') }}
    -- Few of the people at events ever ask the desk.
    where
        email_pseudonym in (
            select email_pseudonym from requesters
            union distinct
            select email_pseudonym from agents
        )
),

-- Listed once and by the latest reading no more, while agents go from this list to their own.
forgotten as (
    select requester_id as forgotten_id
    from requesters
    where
        updated_at <= (select max(read_at) from sweeps)
        and requester_id not in (select arrayJoin(record_ids) from sweeps)
        and requester_id not in (select agent_id from agents)
),

remembered as (
    select * from requesters
    where requester_id not in (select forgotten_id from forgotten)
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
        coalesce(remembered.email_pseudonym, agents.email_pseudonym) as email_pseudonym,
        remembered.job_title as job_title,
        remembered.location_name as location_name,
        toLowCardinality(
            multiIf(
                all_requesters.requester_id = 0, 'nobody',
                forgotten.forgotten_id is not null, 'forgotten',
                remembered.is_active, 'active',
                remembered.requester_id is not null, 'inactive',
                agents.agent_id is not null, 'agent',
                'unknown'
            )
        ) as requester_state,
        toBool(coalesce(remembered.is_vip, false)) as is_vip,
        toBool(agents.agent_id is not null) as is_agent,
        toBool(forgotten.forgotten_id is not null) as is_forgotten,
        coalesce(remembered.created_at, agents.created_at) as created_at
    from all_requesters
    left join remembered on all_requesters.requester_id = remembered.requester_id
    left join agents on all_requesters.requester_id = agents.agent_id
    left join forgotten on all_requesters.requester_id = forgotten.forgotten_id
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
