-- One row per release, kept up to date: the window that was planned and the one that it took.
{{ config(order_by='release_id') }}

with releases as (
    select * from {{ ref('stg_freshservice__releases') }}
),

codes as (
    select * from {{ ref('service_management_codes') }}
    where entity = 'release'
),

described as (
    select
        releases.release_id as release_id,
        releases.agent_id as agent_id,
        releases.group_id as group_id,
        releases.department_id as department_id,
        releases.status_id as status_id,
        releases.priority_id as priority_id,
        releases.release_type_id as release_type_id,
        toLowCardinality(coalesce(statuses.code_name, 'Custom')) as status,
        toLowCardinality(coalesce(types.code_name, 'Custom')) as release_type,
        {{ seconds_between('releases.planned_starts_at', 'releases.planned_ends_at') }}
            as planned_seconds,
        {{ seconds_between('releases.work_starts_at', 'releases.work_ends_at') }} as work_seconds,
        if(
            releases.planned_ends_at is null or releases.work_ends_at is null,
            null,
            greatest(0, age('second', releases.planned_ends_at, releases.work_ends_at))
        ) as overrun_seconds,
        toBool(not coalesce(statuses.is_done, false)) as is_open,
        toBool(releases.is_deleted) as is_deleted,
        toBool(
            coalesce(
                statuses.code_name = 'Completed'
                and releases.work_ends_at <= releases.planned_ends_at,
                false
            )
        ) as is_completed_in_window,
        coalesce(releases.created_at, releases.updated_at) as created_at,
        releases.planned_starts_at as planned_starts_at,
        releases.planned_ends_at as planned_ends_at,
        releases.work_starts_at as work_starts_at,
        releases.work_ends_at as work_ends_at,
        releases.updated_at as updated_at
    from releases
    left join codes as statuses
        on toString(releases.status_id) = statuses.code and statuses.field = 'status'
    left join codes as types
        on toString(releases.release_type_id) = types.code and types.field = 'release_type'
)

select * from described
