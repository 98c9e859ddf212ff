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

business_times as (
    select * from {{ ref('int_tickets_business_timed') }}
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
    from business_times
    where {{ built_since_last_build() }}
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
        toLowCardinality(coalesce(statuses.status_name, 'Custom')) as status,
        toLowCardinality(coalesce(sources.source_name, 'Custom')) as source,
        toLowCardinality(coalesce(tickets.ticket_type, 'Unknown')) as ticket_type,
        toLowCardinality(multiIf(tickets.is_deleted, 'deleted', tickets.is_spam, 'spam', null))
            as excluded_reason,
        tickets.versions_count as versions_count,
        tickets.reopens_count as reopens_count,
        {{ seconds_between('tickets.created_at', 'tickets.first_responded_at') }}
            as first_response_seconds,
        business_times.first_response_business_seconds as first_response_business_seconds,
        {{ seconds_between('tickets.created_at', 'tickets.resolved_at') }} as resolution_seconds,
        toBool(not tickets.is_done) as is_open,
        toBool(not tickets.is_done and tickets.first_responded_at is null) as is_awaiting_response,
        toBool(tickets.is_priority_defaulted) as is_priority_defaulted,
        toBool(tickets.is_category_defaulted) as is_category_defaulted,
        toBool(tickets.is_resolved_at_imputed) as is_resolved_at_imputed,
        toBool(tickets.is_closed_at_imputed) as is_closed_at_imputed,
        tickets.created_at as created_at,
        tickets.first_responded_at as first_responded_at,
        tickets.resolved_at as resolved_at,
        tickets.closed_at as closed_at,
        tickets.first_response_due_at as first_response_due_at,
        tickets.due_at as due_at,
        tickets.updated_at as updated_at,
        {{ built_at() }} as built_at
    from tickets
    left join business_times on tickets.ticket_id = business_times.ticket_id
    left join statuses on tickets.status_id = statuses.status_id
    left join sources on tickets.source_id = sources.source_id
    where tickets.ticket_id in (select ticket_id from touched)
)

select * from described
