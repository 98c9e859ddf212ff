-- One row per requester and version: what held from valid_from until valid_to. Of one whom the
-- source has forgotten the spans stay, and nothing that was said of the person.
{{ config(order_by=['requester_id', 'valid_from']) }}

with versions as (
    {{ source_versions(ref('requesters_history'), 'requester_id') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

described as (
    select
        versions.requester_id as requester_id,
        if(customers.is_forgotten, [], versions.department_ids) as department_ids,
        if(customers.is_forgotten, null, versions.job_title) as job_title,
        if(customers.is_forgotten, null, versions.location_name) as location_name,
        toBool(versions.is_active and not customers.is_forgotten) as is_active,
        toBool(versions.is_vip and not customers.is_forgotten) as is_vip,
        toBool(versions.is_agent) as is_agent,
        toBool(versions.is_latest) as is_latest,
        versions.valid_from as valid_from,
        versions.valid_to as valid_to
    from versions
    inner join customers on versions.requester_id = customers.requester_id
)

select * from described
