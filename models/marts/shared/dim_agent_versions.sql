-- One row per agent and version: what held from valid_from until valid_to.
{{ config(order_by=['agent_id', 'valid_from']) }}

with versions as (
    {{ source_versions(ref('agents_history'), 'agent_id') }}
),

described as (
    select
        agent_id,
        arrayElementOrNull(group_ids, 1) as home_group_id,
        group_ids,
        job_title,
        toBool(is_active) as is_active,
        toBool(is_occasional) as is_occasional,
        toBool(is_latest) as is_latest,
        created_at,
        valid_from,
        valid_to
    from versions
)

select * from described
