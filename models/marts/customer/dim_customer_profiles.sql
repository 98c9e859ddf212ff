-- One row per customer: everything that the service desk knows of them, summed up.
{{ config(order_by='requester_id') }}

with customers as (
    select * from {{ ref('dim_customers') }}
),

tickets as (
    select
        *,
        excluded_reason is null as counts
    from {{ ref('fct_tickets') }}
),

conversations as (
    select * from {{ ref('stg_freshservice__conversations') }}
),

time_entries as (
    select
        ticket_id,
        sum(logged_seconds) as logged_seconds
    from {{ ref('fct_time_entries') }}
    where ticket_id > 0
    group by ticket_id
),

surveys as (
    select
        ticket_id,
        count() as surveyed_count,
        countIf(is_satisfied) as satisfied_count
    from {{ ref('fct_surveys') }}
    where score_ratio is not null and not is_deleted
    group by ticket_id
),

breaches as (
    select
        ticket_id,
        count() as breaches_count
    from {{ ref('fct_sla_outcomes') }}
    where breached_at is not null
    group by ticket_id
),

held_assets as (
    select
        user_id,
        count() as assets_count
    from {{ ref('dim_assets') }}
    where user_id > 0 and not is_disposed
    group by user_id
),

segments as (
    select arraySort(groupArray((rank, segment, needs_vip, tickets_at_least, within_days))) as rules
    from {{ ref('customer_segments') }}
),

last_words as (
    select
        author_id,
        max(created_at) as last_wrote_at
    from conversations
    where is_incoming
    group by author_id
),

asked as (
    select
        tickets.requester_id as requester_id,
        countIf(tickets.counts) as tickets_count,
        countIf(tickets.counts and tickets.is_open) as open_tickets_count,
        countIf(tickets.counts and tickets.status_id = 3) as pending_tickets_count,
        countIf(tickets.counts and tickets.status_id = 4) as resolved_tickets_count,
        countIf(tickets.counts and tickets.status_id = 5) as closed_tickets_count,
        countIf(not tickets.counts) as excluded_tickets_count,
        sumIf(tickets.reopens_count, tickets.counts) as reopens_count,
        sum(coalesce(breaches.breaches_count, 0)) as breaches_count,
        sum(coalesce(surveys.surveyed_count, 0)) as surveyed_count,
        sum(coalesce(surveys.satisfied_count, 0)) as satisfied_count,
        sum(coalesce(time_entries.logged_seconds, 0)) as logged_seconds,
        groupArrayIf(tickets.created_at, tickets.counts) as created_ats,
        minIf(tickets.created_at, tickets.counts) as first_ticket_at,
        maxIf(tickets.created_at, tickets.counts) as last_ticket_at
    from tickets
    left join breaches on tickets.ticket_id = breaches.ticket_id
    left join surveys on tickets.ticket_id = surveys.ticket_id
    left join time_entries on tickets.ticket_id = time_entries.ticket_id
    group by requester_id
),

profiled as (
    select
        customers.requester_id as requester_id,
        toLowCardinality(
            arrayFirst(
                rule -> (
                    (customers.is_vip or not rule.3)
                    and arrayCount(
                        created_at -> created_at > {{ as_of() }} - toIntervalDay(rule.5),
                        asked.created_ats
                    ) >= rule.4
                ),
                segments.rules
            ).2
        ) as segment,
        customers.requester_state as requester_state,
        toUInt64(coalesce(asked.tickets_count, 0)) as tickets_count,
        toUInt64(coalesce(asked.open_tickets_count, 0)) as open_tickets_count,
        toUInt64(coalesce(asked.pending_tickets_count, 0)) as pending_tickets_count,
        toUInt64(coalesce(asked.resolved_tickets_count, 0)) as resolved_tickets_count,
        toUInt64(coalesce(asked.closed_tickets_count, 0)) as closed_tickets_count,
        toUInt64(coalesce(asked.excluded_tickets_count, 0)) as excluded_tickets_count,
        toUInt64(coalesce(asked.reopens_count, 0)) as reopens_count,
        toUInt64(coalesce(asked.breaches_count, 0)) as breaches_count,
        toUInt64(coalesce(asked.surveyed_count, 0)) as surveyed_count,
        toUInt64(coalesce(asked.satisfied_count, 0)) as satisfied_count,
        toUInt64(coalesce(held_assets.assets_count, 0)) as assets_count,
        toInt64(coalesce(asked.logged_seconds, 0)) as logged_seconds,
        customers.is_vip as is_vip,
        customers.is_agent as is_agent,
        customers.is_attendee as is_attendee,
        customers.is_forgotten as is_forgotten,
        if(tickets_count = 0, null, asked.first_ticket_at) as first_ticket_at,
        if(tickets_count = 0, null, asked.last_ticket_at) as last_ticket_at,
        greatest(last_ticket_at, last_words.last_wrote_at) as last_contact_at
    from customers
    cross join segments
    left join asked on customers.requester_id = asked.requester_id
    left join held_assets on customers.requester_id = held_assets.user_id
    left join last_words on customers.requester_id = last_words.author_id
    where customers.requester_id > 0
)

select * from profiled
