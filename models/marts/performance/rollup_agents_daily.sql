-- One row per day and agent: what the agent did, had to do, and had the time to do.
{{ config(order_by=['date_day', 'agent_id']) }}

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

time_entries as (
    select * from {{ ref('fct_time_entries') }}
),

surveys as (
    select * from {{ ref('fct_surveys') }}
),

-- Of whoever held the ticket when the limit passed, on that day.
breaches as (
    select
        responder_id as agent_id,
        metric || '_breached' as measure,
        1 as amount,
        assumeNotNull(breached_at) as happened_at
    from {{ ref('fct_sla_outcomes') }}
    where breached_at is not null
),

events as (
    select
        action.1 as agent_id,
        action.3 as measure,
        1 as amount,
        action.4 as happened_at
    from handled
    array join actions as action
    union all
    select
        agent_id,
        part.1 as measure,
        part.2 as amount,
        executed_at as happened_at
    from time_entries
    array join
        [
            ('logged', assumeNotNull(logged_seconds)),
            ('billable', if(is_billable, assumeNotNull(logged_seconds), 0))
        ] as part
    where logged_seconds is not null
    union all
    select
        responder_id as agent_id,
        part.1 as measure,
        part.2 as amount,
        answered_at as happened_at
    from surveys
    array join [('surveyed', 1), ('satisfied', toInt64(is_satisfied))] as part
    where score_ratio is not null and not is_deleted
    union all
    select * from breaches
),

days as (
    select
        agent_id,
        measure,
        toInt64(sum(amount)) as amount,
        toDate(happened_at, '{{ zone }}') as date_day
    from events
    group by date_day, agent_id, measure
    union all
    select
        agent_id,
        'open' as measure,
        toInt64(sum(open_count)) as amount,
        date_day
    from loads
    group by date_day, agent_id
    union all
    select
        agent_id,
        part.1 as measure,
        part.2 as amount,
        date_day
    from schedules
    array join [('business', business_seconds), ('available', available_seconds)] as part
),

summed as (
    select
        agent_id,
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
        toInt64(sumIf(amount, measure = 'logged')) as logged_seconds,
        toInt64(sumIf(amount, measure = 'billable')) as billable_seconds,
        toInt64(sumIf(amount, measure = 'business')) as business_seconds,
        toInt64(sumIf(amount, measure = 'available')) as available_seconds,
        date_day
    from days
    where
        agent_id > 0
        -- A day counts once it has ended.
        and date_day < toDate({{ as_of() }}, '{{ zone }}')
        and date_day
        >= toDate({{ as_of() }}, '{{ zone }}') - interval {{ var('rollup_years') }} year
    group by date_day, agent_id
)

select * from summed
