-- One row per change, kept up to date: the window that was planned and the one that it took.
{{ config(order_by='change_id') }}

with changes as (
    select * from {{ ref('stg_freshservice__changes') }}
),

codes as (
    select * from {{ ref('service_management_codes') }}
    where entity = 'change'
),

-- Work begins when the approvals are in and ends when there is something to review.
timed as (
    select
        *,
        pending_release_at as work_starts_at,
        if(pending_release_at is null, null, coalesce(pending_review_at, closed_at)) as work_ends_at
    from changes
),

described as (
    select
        timed.change_id as change_id,
        timed.agent_id as agent_id,
        timed.requester_id as requester_id,
        timed.group_id as group_id,
        timed.department_id as department_id,
        timed.status_id as status_id,
        timed.priority_id as priority_id,
        timed.impact_id as impact_id,
        timed.risk_id as risk_id,
        timed.change_type_id as change_type_id,
        timed.approval_status_id as approval_status_id,
        toLowCardinality(coalesce(statuses.code_name, 'Custom')) as status,
        toLowCardinality(coalesce(types.code_name, 'Custom')) as change_type,
        toLowCardinality(coalesce(risks.code_name, 'Unknown')) as risk,
        toLowCardinality(coalesce(timed.category, 'General')) as category,
        {{ seconds_between('timed.planned_starts_at', 'timed.planned_ends_at') }}
            as planned_seconds,
        {{ seconds_between('timed.work_starts_at', 'timed.work_ends_at') }} as work_seconds,
        if(
            timed.planned_ends_at is null or timed.work_ends_at is null,
            null,
            greatest(0, age('second', timed.planned_ends_at, timed.work_ends_at))
        ) as overrun_seconds,
        {{ seconds_between('timed.created_at', 'timed.closed_at') }} as resolution_seconds,
        toBool(not coalesce(statuses.is_done, false)) as is_open,
        toBool(timed.change_type_id = 4) as is_emergency,
        toBool(timed.is_deleted) as is_deleted,
        toBool(
            coalesce(statuses.is_done and timed.work_ends_at <= timed.planned_ends_at, false)
        ) as is_closed_in_window,
        coalesce(timed.created_at, timed.updated_at) as created_at,
        timed.planned_starts_at as planned_starts_at,
        timed.planned_ends_at as planned_ends_at,
        timed.work_starts_at as work_starts_at,
        timed.work_ends_at as work_ends_at,
        timed.closed_at as closed_at,
        timed.updated_at as updated_at
    from timed
    left join codes as statuses
        on toString(timed.status_id) = statuses.code and statuses.field = 'status'
    left join codes as types
        on toString(timed.change_type_id) = types.code and types.field = 'change_type'
    left join codes as risks
        on toString(timed.risk_id) = risks.code and risks.field = 'risk'
)

select * from described
