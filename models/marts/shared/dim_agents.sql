-- One row per agent; 0 is no agent, and an agent that only tickets know has nothing but the id.
{{ config(order_by='agent_id') }}

with agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

tickets as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

all_agents as (
    select toInt64(0) as agent_id
    union distinct
    select agent_id from agents
    union distinct
    select responder_id as agent_id from tickets
),

described as (
    select
        all_agents.agent_id as agent_id,
        agents.email_pseudonym as email_pseudonym,
        agents.job_title as job_title,
        toLowCardinality(
            multiIf(
                all_agents.agent_id = 0, 'unassigned',
                agents.is_active, 'active',
                agents.agent_id is not null, 'inactive',
                'unknown'
            )
        ) as agent_state,
        toBool(coalesce(agents.is_occasional, false)) as is_occasional,
        agents.created_at as created_at
    from all_agents
    left join agents on all_agents.agent_id = agents.agent_id
)

select * from described
