-- One row per ticket and state of it: the SLA policy that applies, by our own reading of the
-- policies as they then were, and its targets at the priority and on the calendar of that state.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'state_number'],
    )
}}

with states as (
    select * from {{ ref('int_ticket_states') }}
),

tickets as (
    select * from {{ ref('int_tickets_folded') }}
),

statuses as (
    select * from {{ ref('ticket_statuses') }}
),

group_calendars as (
    select * from {{ ref('int_group_calendars') }}
),

calendar_versions as (
    {{ source_versions(ref('business_hours_history'), 'calendar_id') }}
),

policy_versions as (
    select
        *,
        coalesce(applies_to_json, '{}') as conditions,
        JSONExtract(conditions, 'ticket_type', 'Array(String)') as ticket_types,
        JSONExtract(conditions, 'group_id', 'Array(Int64)') as group_ids,
        JSONExtract(conditions, 'department_id', 'Array(Int64)') as department_ids,
        JSONExtract(conditions, 'source', 'Array(UInt16)') as source_ids,
        arrayMap(
            (priority, place) -> (
                priority,
                target_response_seconds[place],
                target_next_response_seconds[place],
                target_resolution_seconds[place],
                target_is_business_time[place]
            ),
            target_priority_ids,
            arrayEnumerate(target_priority_ids)
        ) as targets
    from (
        {{ source_versions(ref('sla_policies_history'), 'sla_policy_id') }}
    )
    where is_active and not is_deleted
),

changed_groups as (
    select
        group_id,
        min(valid_from) as changed_from
    from group_calendars
    where {{ built_since_last_build('known_at') }}
    group by group_id
),

touched as (
    select ticket_id
    from states
    where
        {{ built_since_last_build() }}
        or starts_at >= (
            select minOrNull(valid_from)
            from policy_versions
            where {{ built_since_last_build('known_at') }}
        )
    union distinct
    select ticket_id
    from tickets
    where {{ built_since_last_build() }}
    union distinct
    select states.ticket_id as ticket_id
    from states
    inner join changed_groups on states.group_id = changed_groups.group_id
    where coalesce(states.ends_at > changed_groups.changed_from, true)
),

described_states as (
    select
        states.ticket_id as ticket_id,
        states.state_number as state_number,
        states.group_id as group_id,
        states.responder_id as responder_id,
        states.priority_id as priority_id,
        states.status_id as status_id,
        states.starts_at as starts_at,
        states.ends_at as ends_at,
        coalesce(tickets.ticket_type, '') as ticket_type,
        tickets.department_id as department_id,
        tickets.source_id as source_id,
        tickets.created_at as created_at
    from states
    inner join tickets on states.ticket_id = tickets.ticket_id
    where states.ticket_id in (select ticket_id from touched)
),

-- Many tickets are alike to the policies: each kind is held against them once.
kinds as (
    select distinct
        group_id,
        ticket_type,
        department_id,
        source_id
    from described_states
),

-- The first by position decides, the default one last of all.
policies_by_kind as (
    select
        kinds.group_id as group_id,
        kinds.ticket_type as ticket_type,
        kinds.department_id as department_id,
        kinds.source_id as source_id,
        target.1 as priority_id,
        arraySort(
            groupArray((is_default, position, sla_policy_id, valid_from, valid_to, target))
        ) as policies
    from kinds
    cross join policy_versions
    array join policy_versions.targets as target
    where
        (empty(ticket_types) or has(ticket_types, kinds.ticket_type))
        and (empty(group_ids) or has(group_ids, kinds.group_id))
        and (empty(department_ids) or has(department_ids, kinds.department_id))
        and (empty(source_ids) or has(source_ids, kinds.source_id))
    group by group_id, ticket_type, department_id, source_id, priority_id
),

working_days as (
    select
        calendar_id,
        argMax(
            arrayMax(
                arrayMap(
                    (opens, closes) -> if(closes > opens, closes, closes + 86400) - opens,
                    workday_opens_seconds,
                    workday_closes_seconds
                )
            ),
            version_number
        ) as day_seconds
    from calendar_versions
    where notEmpty(workday_opens_seconds)
    group by calendar_id
),

held as (
    select
        described_states.ticket_id as ticket_id,
        described_states.state_number as state_number,
        described_states.group_id as group_id,
        described_states.responder_id as responder_id,
        described_states.priority_id as priority_id,
        described_states.status_id as status_id,
        described_states.starts_at as starts_at,
        described_states.ends_at as ends_at,
        arrayFirst(
            policy -> policy.4 <= described_states.starts_at
            and coalesce(policy.5 > described_states.starts_at, true),
            policies_by_kind.policies
        ) as policy,
        policy.3 as sla_policy_id,
        policy.6.2 as response_seconds,
        coalesce(policy.6.3, policy.6.2) as next_response_seconds,
        policy.6.4 as resolution_seconds,
        coalesce(policy.6.5, false) as is_business_time,
        group_calendars.calendar_id as calendar_id,
        -- What a day of a business target means.
        if(
            is_business_time
            and described_states.created_at < toDate('{{ var("day_targets_are_hours_from") }}'),
            working_days.day_seconds,
            86400
        ) as day_seconds
    from described_states
    left join policies_by_kind
        on
            described_states.group_id = policies_by_kind.group_id
            and described_states.ticket_type = policies_by_kind.ticket_type
            and described_states.department_id = policies_by_kind.department_id
            and described_states.source_id = policies_by_kind.source_id
            and described_states.priority_id = policies_by_kind.priority_id
    left join group_calendars
        on described_states.group_id = group_calendars.group_id
    left join working_days on group_calendars.calendar_id = working_days.calendar_id
    where
        coalesce(group_calendars.valid_from <= described_states.starts_at, true)
        and coalesce(group_calendars.valid_to > described_states.starts_at, true)
),

targeted as (
    select
        ticket_id,
        state_number,
        sla_policy_id,
        coalesce(calendar_id, 0) as calendar_id,
        group_id,
        responder_id,
        priority_id,
        held.status_id as status_id,
        {%- for target in ('response', 'next_response', 'resolution') %}
        if(
            {{ target }}_seconds % 86400 = 0,
            intDiv({{ target }}_seconds, 86400) * day_seconds,
            {{ target }}_seconds
        ) as target_{{ target }}_seconds,
        {%- endfor %}
        toBool(is_business_time) as is_business_time,
        toBool(held.status_id in (4, 5)) as is_done,
        toBool(not is_done and not coalesce(statuses.is_sla_timer_running, true)) as is_paused,
        starts_at,
        ends_at
    from held
    left join statuses on held.status_id = statuses.status_id
),

-- What the group, the priority and the pauses so far are, the due dates follow from.
marked as (
    select
        *,
        (group_id, priority_id) != lagInFrame((group_id, priority_id)) over by_time
        or (not is_paused and lagInFrame(is_paused) over by_time) as is_due_moved
    from targeted
    window by_time as (
        partition by ticket_id order by state_number
        rows between unbounded preceding and current row
    )
),

numbered as (
    select
        * except (is_due_moved),
        toUInt32(
            sum(is_due_moved) over (
                partition by ticket_id order by state_number
                rows between unbounded preceding and current row
            )
        ) as due_number,
        {{ built_at() }} as _built_at
    from marked
)

select * from numbered
