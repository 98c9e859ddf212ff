-- One row per SLA policy and version: what held from valid_from until valid_to.
{{ config(order_by=['sla_policy_id', 'valid_from']) }}

with versions as (
    {{ source_versions(ref('sla_policies_history'), 'sla_policy_id') }}
),

described as (
    select
        sla_policy_id,
        coalesce(sla_policy_name, 'Unknown') as sla_policy_name,
        applies_to_json,
        target_priority_ids,
        target_response_seconds,
        target_next_response_seconds,
        target_resolution_seconds,
        target_is_business_time,
        position,
        toBool(is_default) as is_default,
        toBool(is_active and not is_deleted) as is_active,
        toBool(is_latest) as is_latest,
        valid_from,
        valid_to
    from versions
)

select * from described
