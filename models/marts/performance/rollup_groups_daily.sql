-- One row per day and group: what its agents did for it, what they had open, and how evenly.
{{ config(order_by=['date_day', 'group_id']) }}

{%- set zone = var('backlog_time_zone') %}

with handled as (
    select * from {{ ref('int_tickets_handled') }}
),

loads as (
    select * from {{ ref('int_agents_loaded') }}
),

schedules as (
    select * from {{ ref('int_agents_scheduled') }}
),

agent_versions as (
    select * from {{ ref('dim_agent_versions') }}
),

time_entries as (
    select * from {{ ref('fct_time_entries') }}
),

surveys as (
    select * from {{ ref('fct_surveys') }}
),

-- Of whoever held the ticket when the limit passed, on that day.
breaches as (
    select
        group_id,
        metric || '_breached' as measure,
        1 as amount,
        assumeNotNull(breached_at) as happened_at
    from {{ ref('fct_sla_outcomes') }}
    where breached_at is not null
),

-- Work is its own agents', whatever it was for: so is the time that they have.
worked as (
    select
        agent_versions.home_group_id as group_id,
        time_entries.logged_seconds as logged_seconds,
        if(time_entries.is_billable, time_entries.logged_seconds, 0) as billable_seconds,
        time_entries.executed_at as executed_at
    from time_entries
    asof join agent_versions
        on
            time_entries.agent_id = agent_versions.agent_id
            and time_entries.executed_at >= agent_versions.valid_from
    where time_entries.logged_seconds is not null
),

events as (
    select
        action.2 as group_id,
        action.3 as measure,
        1 as amount,
        action.4 as happened_at
    from handled
    array join actions as action
    union all
    select
        coalesce(group_id, 0) as group_id,
        part.1 as measure,
        assumeNotNull(part.2) as amount,
        executed_at as happened_at
    from worked
    array join [('logged', logged_seconds), ('billable', billable_seconds)] as part
    union all
    select
        group_id,
        part.1 as measure,
        part.2 as amount,
        answered_at as happened_at
    from surveys
    array join [('surveyed', 1), ('satisfied', toInt64(is_satisfied))] as part
    where score_ratio is not null and not is_deleted
    union all
    select * from breaches
),

-- Gini of n loads in ascending order: the sum of (2i - n - 1) times the i-th, over n times all.
spreads as (
    select
        group_id,
        countIf(is_member) as members_count,
        arraySort(groupArray(toInt64(open_count))) as sorted_loads,
        arraySum(
            (amount, rank) -> (2 * toInt64(rank) - length(sorted_loads) - 1) * amount,
            sorted_loads,
            arrayEnumerate(sorted_loads)
        ) as gini_numerator,
        arraySum(sorted_loads) as all_open_count,
        length(sorted_loads) * all_open_count as gini_denominator,
        date_day
    from loads
    group by date_day, group_id
),

days as (
    select
        group_id,
        measure,
        toInt64(sum(amount)) as amount,
        toDate(happened_at, '{{ zone }}') as date_day
    from events
    group by date_day, group_id, measure
    union all
    select
        group_id,
        part.1 as measure,
        part.2 as amount,
        date_day
    from spreads
    array join
        [
            ('members', toInt64(members_count)),
            ('open', toInt64(all_open_count)),
            ('gini_numerator', toInt64(gini_numerator)),
            ('gini_denominator', toInt64(gini_denominator))
        ] as part
    union all
    select
        group_id,
        part.1 as measure,
        sum(part.2) as amount,
        date_day
    from schedules
    array join [('business', business_seconds), ('available', available_seconds)] as part
    group by date_day, group_id, measure
),

summed as (
    select
        group_id,
        toUInt64(sumIf(amount, measure = 'members')) as members_count,
        toUInt64(sumIf(amount, measure = 'resolved')) as resolved_count,
        toUInt64(sumIf(amount, measure = 'first_responded')) as first_responded_count,
        toUInt64(sumIf(amount, measure = 'replied')) as replied_count,
        toUInt64(sumIf(amount, measure = 'noted')) as noted_count,
        toUInt64(sumIf(amount, measure = 'handed_over')) as handed_over_count,
        toUInt64(sumIf(amount, measure = 'surveyed')) as surveyed_count,
        toUInt64(sumIf(amount, measure = 'satisfied')) as satisfied_count,
        toUInt64(sumIf(amount, measure = 'first_response_breached'))
            as first_response_breached_count,
        toUInt64(sumIf(amount, measure = 'next_response_breached')) as next_response_breached_count,
        toUInt64(sumIf(amount, measure = 'resolution_breached')) as resolution_breached_count,
        toUInt64(sumIf(amount, measure = 'open')) as open_count,
        toInt64(sumIf(amount, measure = 'gini_numerator')) as load_gini_numerator,
        toInt64(sumIf(amount, measure = 'gini_denominator')) as load_gini_denominator,
        toInt64(sumIf(amount, measure = 'logged')) as logged_seconds,
        toInt64(sumIf(amount, measure = 'billable')) as billable_seconds,
        toInt64(sumIf(amount, measure = 'business')) as business_seconds,
        toInt64(sumIf(amount, measure = 'available')) as available_seconds,
        date_day
    from days
    -- A day counts once it has ended.
    where
        date_day < toDate({{ as_of() }}, '{{ zone }}')
        and date_day
        >= toDate({{ as_of() }}, '{{ zone }}') - interval {{ var('rollup_years') }} year
    group by date_day, group_id
)

select * from summed
