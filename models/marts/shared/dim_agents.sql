-- One row per agent; 0 is no agent. One that only tickets or time entries know, or that the source
-- lists no more, has nothing but the id.
{{ config(order_by='agent_id') }}

with agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

tickets as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

time_entries as (
    select * from {{ ref('stg_freshservice__time_entries') }}
),

sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'agents'
),

-- Listed once and by the latest reading no more.
gone as (
    select agent_id as gone_id
    from agents
    where
        updated_at <= (select max(read_at) from sweeps)
        and agent_id not in (select arrayJoin(record_ids) from sweeps)
),

all_agents as (
    select toInt64(0) as agent_id
    union distinct
    select agent_id from agents
    union distinct
    select responder_id as agent_id from tickets
    union distinct
    select agent_id from time_entries
),

described as (
    select
        all_agents.agent_id as agent_id,
        if(gone.gone_id is null, agents.email_pseudonym, null) as email_pseudonym,
        if(gone.gone_id is null, agents.job_title, null) as job_title,
        toLowCardinality(
            multiIf(
                all_agents.agent_id = 0, 'unassigned',
                gone.gone_id is not null, 'gone',
                agents.is_active, 'active',
                agents.agent_id is not null, 'inactive',
                'unknown'
            )
        ) as agent_state,
        toBool(coalesce(agents.is_occasional, false)) as is_occasional,
        agents.created_at as created_at
    from all_agents
    left join agents on all_agents.agent_id = agents.agent_id
    left join gone on all_agents.agent_id = gone.gone_id
)

select * from described
