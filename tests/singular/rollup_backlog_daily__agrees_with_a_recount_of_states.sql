-- The running sums of the last week against a plain count of the states that held when each day
-- ended. Tickets that are gone ended without a state that says so.
with closings as (
    select
        rollup.group_id as group_id,
        rollup.date_day as date_day,
        rollup.closing_count as closing_count,
        toDateTime(rollup.date_day + 1, '{{ var("backlog_time_zone") }}') as ended_at
    from {{ ref('rollup_backlog_daily') }} as rollup
    where rollup.date_day > (select max(date_day) from {{ ref('rollup_backlog_daily') }}) - 7
),

states as (
    select
        group_id,
        starts_at,
        ends_at
    from {{ ref('int_ticket_states') }}
    where
        status_id not in (4, 5)
        and not is_deleted
        and not is_spam
        and ticket_id not in (
            select ticket_id
            from {{ ref('fct_tickets') }}
            where excluded_reason in ('merged', 'gone')
        )
),

gone as (
    select count() as gone_count
    from {{ ref('fct_tickets') }}
    where excluded_reason = 'gone'
)

select
    closings.group_id as group_id,
    closings.date_day as date_day,
    any(closings.closing_count) as closing_count,
    countIf(
        states.starts_at < closings.ended_at
        and coalesce(states.ends_at >= closings.ended_at, states.starts_at is not null)
    ) as recount
from closings
left join states on closings.group_id = states.group_id
group by group_id, date_day
having closing_count not between recount and recount + (select gone_count from gone)
