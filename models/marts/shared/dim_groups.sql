-- One row per agent group; 0 is no group, and a group that only tickets know is Unknown.
{{ config(order_by='group_id') }}

with agent_groups as (
    select * from {{ ref('stg_freshservice__groups') }}
),

group_calendars as (
    select *
    from {{ ref('int_group_calendars') }}
    where valid_to is null
),

calendars as (
    select * from {{ ref('stg_freshservice__business_hours') }}
),

tickets as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

all_groups as (
    select toInt64(0) as group_id
    union distinct
    select group_id from agent_groups
    union distinct
    select group_id from tickets
),

described as (
    select
        all_groups.group_id as group_id,
        coalesce(group_calendars.calendar_id, 0) as calendar_id,
        multiIf(
            all_groups.group_id = 0, 'Unassigned', coalesce(agent_groups.group_name, 'Unknown')
        ) as group_name,
        calendars.calendar_name as calendar_name,
        toBool(agent_groups.group_id is not null) as is_known
    from all_groups
    left join agent_groups on all_groups.group_id = agent_groups.group_id
    left join group_calendars on all_groups.group_id = group_calendars.group_id
    left join calendars on group_calendars.calendar_id = calendars.calendar_id
)

select * from described
