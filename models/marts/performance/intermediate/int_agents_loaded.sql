-- One row per day, group and agent: the tickets that the agent had open there when the day ended.
-- An agent of the group who had none is there with 0.
{{ config(materialized='table', order_by=['date_day', 'group_id', 'agent_id']) }}

{%- set zone = var('backlog_time_zone') %}

with tickets as (
    select * from {{ ref('int_tickets_backlogged') }}
),

agent_versions as (
    select * from {{ ref('dim_agent_versions') }}
),

bounds as (
    select
        toDate({{ as_of() }}, '{{ zone }}') - 1 as last_day,
        greatest(
            toDate(min(created_at), '{{ zone }}'),
            toDate(last_day - interval {{ var('rollup_years') }} year)
        ) as first_day
    from tickets
),

steps as (
    select
        spell.1 as group_id,
        spell.2 as agent_id,
        step.1 as change,
        greatest(toDate(assumeNotNull(step.2), '{{ zone }}'), bounds.first_day) as date_day,
        bounds.last_day as last_day
    from tickets
    array join spells as spell
    array join [(1, toNullable(spell.6)), (-1, spell.7)] as step
    cross join bounds
    where agent_id > 0 and step.2 is not null and date_day <= last_day
),

changes as (
    select
        group_id,
        agent_id,
        date_day,
        sum(change) as change,
        leadInFrame(date_day, 1, any(last_day) + 1) over (
            partition by group_id, agent_id order by date_day
            rows between current row and 1 following
        ) as next_day
    from steps
    group by group_id, agent_id, date_day
),

loads as (
    select
        group_id,
        agent_id,
        date_day,
        next_day,
        sum(change) over (
            partition by group_id, agent_id order by date_day
            rows between unbounded preceding and current row
        ) as open_count
    from changes
),

held as (
    select
        group_id,
        agent_id,
        open_count,
        false as is_member,
        arrayJoin(
            arrayMap(day -> toDate(day), range(toUInt32(date_day), toUInt32(next_day)))
        ) as date_day
    from loads
    where open_count > 0
),

members as (
    select
        group_id,
        agent_versions.agent_id as agent_id,
        0 as open_count,
        true as is_member,
        arrayJoin(
            arrayMap(
                day -> toDate(day),
                range(
                    toUInt32(
                        greatest(
                            bounds.first_day,
                            toDate32(agent_versions.valid_from, '{{ zone }}'),
                            toDate32(
                                coalesce(agent_versions.created_at, agent_versions.valid_from),
                                '{{ zone }}'
                            )
                        )
                    ),
                    toUInt32(
                        least(
                            bounds.last_day + 1,
                            toDate32(
                                coalesce(agent_versions.valid_to, bounds.last_day + 1), '{{ zone }}'
                            )
                        )
                    )
                )
            )
        ) as date_day
    from agent_versions
    array join agent_versions.group_ids as group_id
    cross join bounds
    where agent_versions.is_active
),

either as (
    select * from held
    union all
    select * from members
),

loaded as (
    select
        group_id,
        agent_id,
        toUInt64(sum(open_count)) as open_count,
        max(is_member) as is_member,
        date_day
    from either
    group by date_day, group_id, agent_id
)

select * from loaded
