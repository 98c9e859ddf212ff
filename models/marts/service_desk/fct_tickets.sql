-- One row per ticket, kept up to date: what it is now and when it reached each milestone.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by='ticket_id',
        partition_by='toYYYYMM(created_at)',
        pre_hook="{{ refuse_history_loss('ticket_id', ref('int_tickets_folded')) }}",
    )
}}

with tickets as (
    select * from {{ ref('int_tickets_folded') }}
),

times as (
    select * from {{ ref('int_tickets_timed') }}
),

replies as (
    select * from {{ ref('fct_ticket_replies') }}
),

statuses as (
    select * from {{ ref('ticket_statuses') }}
),

sources as (
    select * from {{ ref('ticket_sources') }}
),

touched as (
    select ticket_id
    from tickets
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from times
    where {{ built_since_last_build() }}
    union distinct
    select ticket_id
    from replies
    where {{ built_since_last_build('built_at') }}
    {%- if is_incremental() %}
    union distinct
    -- Ripe since: whether it was reopened soon can be told now.
    select ticket_id
    from {{ this }}
    where
        (
            is_first_contact_resolved is null
            and replies_count is not null
            and first_resolved_at <= {{ as_of() }} - interval {{ var('first_contact_days') }} day
        )
        or (
            is_reopened_soon is null
            and resolved_at <= {{ as_of() }} - interval {{ var('reopened_soon_days') }} day
        )
    {%- endif %}
),

answers as (
    select
        ticket_id,
        max(is_history_read) as is_read,
        sum(replies_count) as replies_count,
        anyIf(reply_seconds, turn_number = 1) as first_response_seconds,
        anyIf(reply_business_seconds, turn_number = 1) as first_response_business_seconds,
        anyIf(reply_last_calendar_seconds, turn_number = 1) as first_response_last_calendar_seconds,
        anyIf(replied_at, turn_number = 1) as replied_at
    from replies
    where ticket_id in (select ticket_id from touched)
    group by ticket_id
),

described as (
    select
        tickets.ticket_id as ticket_id,
        tickets.requester_id as requester_id,
        tickets.responder_id as responder_id,
        tickets.group_id as group_id,
        tickets.department_id as department_id,
        {{ category_key('tickets') }} as category_key,
        toUInt8(if(tickets.priority_id between 1 and 4, tickets.priority_id, 0)) as priority_id,
        tickets.status_id as status_id,
        tickets.source_id as source_id,
        times.merged_into_id as merged_into_id,
        toLowCardinality(coalesce(statuses.status_name, 'Custom')) as status,
        toLowCardinality(coalesce(sources.source_name, 'Custom')) as source,
        toLowCardinality(coalesce(tickets.ticket_type, 'Unknown')) as ticket_type,
        toLowCardinality(
            multiIf(
                tickets.is_deleted, 'deleted',
                tickets.is_spam, 'spam',
                times.merged_into_id > 0, 'merged',
                tickets.is_gone, 'gone',
                null
            )
        ) as excluded_reason,
        tickets.versions_count as versions_count,
        times.reopens_count as reopens_count,
        times.group_changes_count as group_changes_count,
        if(answers.is_read, toNullable(toUInt32(answers.replies_count)), null) as replies_count,
        answers.first_response_seconds as first_response_seconds,
        answers.first_response_business_seconds as first_response_business_seconds,
        answers.first_response_last_calendar_seconds as first_response_last_calendar_seconds,
        {{ seconds_between('tickets.created_at', 'times.resolved_at') }} as resolution_seconds,
        times.first_resolution_seconds as first_resolution_seconds,
        times.first_resolution_business_seconds as first_resolution_business_seconds,
        times.first_resolution_last_calendar_seconds as first_resolution_last_calendar_seconds,
        times.full_resolution_seconds as full_resolution_seconds,
        times.full_resolution_business_seconds as full_resolution_business_seconds,
        times.full_resolution_last_calendar_seconds as full_resolution_last_calendar_seconds,
        times.net_resolution_seconds as net_resolution_seconds,
        times.net_resolution_business_seconds as net_resolution_business_seconds,
        times.net_resolution_last_calendar_seconds as net_resolution_last_calendar_seconds,
        toBool(not tickets.is_done) as is_open,
        toBool(not tickets.is_done and answers.replied_at is null) as is_awaiting_response,
        toBool(times.merged_into_id > 0) as is_merged,
        toBool(times.is_history_read) as is_history_read,
        toBool(tickets.is_priority_defaulted) as is_priority_defaulted,
        toBool(tickets.is_category_defaulted) as is_category_defaulted,
        toBool(tickets.is_done and tickets.resolved_at is null) as is_resolved_at_imputed,
        toBool(tickets.status_id = 5 and tickets.closed_at is null) as is_closed_at_imputed,
        toBool(if(tickets.is_done, replies_count <= 1, null)) as is_one_touch,
        multiIf(
            times.first_resolved_at is null or replies_count is null, null,
            replies_count > 1 or times.group_changes_count > 0 or times.is_seen_back, false,
            times.first_resolved_at
            > {{ as_of() }} - interval {{ var('first_contact_days') }} day, null,
            true
        ) as is_first_contact_resolved,
        multiIf(
            times.first_resolved_at is null, null,
            times.is_seen_reopened_soon, true,
            times.resolved_at > {{ as_of() }} - interval {{ var('reopened_soon_days') }} day, null,
            false
        ) as is_reopened_soon,
        times.reopened_at as reopened_at,
        tickets.created_at as created_at,
        answers.replied_at as first_responded_at,
        times.first_resolved_at as first_resolved_at,
        times.resolved_at as resolved_at,
        times.closed_at as closed_at,
        tickets.first_response_due_at as first_response_due_at,
        tickets.due_at as due_at,
        tickets.updated_at as updated_at,
        {{ built_at() }} as built_at
    from tickets
    inner join times on tickets.ticket_id = times.ticket_id
    left join answers on tickets.ticket_id = answers.ticket_id
    left join statuses on tickets.status_id = statuses.status_id
    left join sources on tickets.source_id = sources.source_id
    where tickets.ticket_id in (select ticket_id from touched)
)

select * from described
