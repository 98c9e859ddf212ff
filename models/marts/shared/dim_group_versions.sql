-- One row per agent group and version: what held from valid_from until valid_to.
{{ config(order_by=['group_id', 'valid_from']) }}

with versions as (
    {{ source_versions(ref('groups_history'), 'group_id') }}
),

described as (
    select
        group_id,
        calendar_id,
        agent_ids,
        group_name,
        toBool(is_latest) as is_latest,
        valid_from,
        valid_to
    from versions
)

select * from described
