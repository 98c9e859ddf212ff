-- One row per day, cohort, group and priority: what became of the tickets that were created, or
-- first resolved, on that day. A share counts only tickets that are ripe for it, above and below.
{{ config(order_by=['date_day', 'cohort', 'group_id', 'priority_id']) }}

with tickets as (
    select * from {{ ref('fct_tickets') }}
    where excluded_reason is null
),

-- One answer per ticket: the API keeps the latest.
surveys as (
    select
        ticket_id,
        max(is_satisfied) as is_satisfied
    from {{ ref('fct_surveys') }}
    where score_ratio is not null and not is_deleted
    group by ticket_id
),

-- What is told at once of some tickets and only in time of the others would lean to the former.
ripened as (
    select
        tickets.*,
        surveys.is_satisfied as is_satisfied,
        coalesce(
            tickets.first_resolved_at
            <= {{ as_of() }} - interval {{ var('reopened_soon_days') }} day,
            false
        ) as is_reopen_ripe,
        is_reopen_ripe and notEmpty(tickets.reopened_at) and coalesce(
            tickets.reopened_at[1]
            <= tickets.first_resolved_at + interval {{ var('reopened_soon_days') }} day,
            false
        ) as is_reopened,
        tickets.is_first_contact_resolved is not null and coalesce(
            tickets.first_resolved_at
            <= {{ as_of() }} - interval {{ var('first_contact_days') }} day,
            false
        ) as is_first_contact_ripe
    from tickets
    left join surveys on tickets.ticket_id = surveys.ticket_id
),

members as (
    select
        ripened.*,
        toLowCardinality(assumeNotNull(part.1)) as cohort,
        toDate(assumeNotNull(part.2)) as date_day
    from ripened
    array join [('created', toNullable(created_at)), ('resolved', first_resolved_at)] as part
    where part.2 is not null
),

counted as (
    select
        group_id,
        priority_id,
        cohort,
        count() as tickets_count,
        count(first_responded_at) as first_responded_count,
        count(first_response_seconds) as first_response_timed_count,
        count(first_response_business_seconds) as first_response_business_timed_count,
        count(resolved_at) as resolved_count,
        count(full_resolution_seconds) as resolution_timed_count,
        count(full_resolution_business_seconds) as resolution_business_timed_count,
        countIf(is_reopen_ripe) as reopen_ripe_count,
        countIf(is_reopened) as reopened_soon_count,
        countIf(is_first_contact_ripe) as first_contact_ripe_count,
        countIf(is_first_contact_ripe and is_first_contact_resolved)
            as first_contact_resolved_count,
        countIf(is_first_contact_ripe and is_one_touch) as one_touch_count,
        count(is_satisfied) as surveyed_count,
        countIf(is_satisfied) as satisfied_count,
        sum(coalesce(first_response_seconds, 0)) as first_response_total_seconds,
        sum(coalesce(first_response_business_seconds, 0)) as first_response_business_total_seconds,
        sum(coalesce(full_resolution_seconds, 0)) as resolution_total_seconds,
        sum(coalesce(full_resolution_business_seconds, 0)) as resolution_business_total_seconds,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(
            assumeNotNull(first_response_seconds), first_response_seconds is not null
        ) as first_response_seconds_quantiles,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(
            assumeNotNull(full_resolution_seconds), full_resolution_seconds is not null
        ) as resolution_seconds_quantiles,
        date_day
    from members
    group by date_day, cohort, group_id, priority_id
)

select * from counted
