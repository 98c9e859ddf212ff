-- One row per problem, kept up to date.
{{ config(order_by='problem_id') }}

with versions as (
    select * from {{ ref('stg_freshservice__problems') }}
),

codes as (
    select * from {{ ref('service_management_codes') }}
    where entity = 'problem' and field = 'status'
),

-- The source does not say when a problem was closed: by the first of the closed versions that its
-- history ends with.
spells as (
    select
        *,
        maxIf(updated_at, status_id != 3) over by_problem as open_until,
        max(updated_at) over by_problem as last_updated_at
    from versions
    window by_problem as (partition by problem_id)
),

closings as (
    select
        problem_id,
        min(updated_at) as closed_at
    from spells
    where status_id = 3 and updated_at > open_until
    group by problem_id
),

described as (
    select
        spells.problem_id as problem_id,
        spells.agent_id as agent_id,
        spells.requester_id as requester_id,
        spells.group_id as group_id,
        spells.department_id as department_id,
        spells.status_id as status_id,
        spells.priority_id as priority_id,
        spells.impact_id as impact_id,
        spells.asset_display_ids as asset_display_ids,
        toLowCardinality(coalesce(codes.code_name, 'Custom')) as status,
        toLowCardinality(coalesce(spells.category, 'General')) as category,
        {{ seconds_between('spells.created_at', 'closings.closed_at') }} as resolution_seconds,
        toBool(closings.closed_at is null) as is_open,
        toBool(spells.is_known_error) as is_known_error,
        toBool(spells.has_cause) as has_cause,
        toBool(spells.has_change) as has_change,
        toBool(spells.is_deleted) as is_deleted,
        toBool(
            coalesce(
                coalesce(closings.closed_at, {{ as_of() }}) > spells.due_at, false
            )
        ) as is_overdue,
        coalesce(spells.created_at, spells.updated_at) as created_at,
        closings.closed_at as closed_at,
        spells.due_at as due_at,
        spells.updated_at as updated_at
    from spells
    left join closings on spells.problem_id = closings.problem_id
    left join codes on toString(spells.status_id) = codes.code
    where spells.updated_at = spells.last_updated_at
)

select * from described
