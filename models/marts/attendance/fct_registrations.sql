-- One row per registration, kept up to date: who holds it now and when it reached each milestone.
{{
    config(
        materialized='incremental',
        unique_key='registration_id',
        order_by=['event_id', 'registration_id'],
        pre_hook="{{ refuse_history_loss('registration_id', ref('stg_event_management__registrations')) }}",
    )
}}

with messages as (
    select * from {{ ref('stg_event_management__registrations') }}
),

touched as (
    select distinct registration_id
    from messages
    where {{ built_since_last_build() }}
),

ordered as (
    select
        *,
        {{ message_order() }} as message_order,
        message_verb = 'cancelled' or coalesce(status = 'cancelled', false) as is_cancelling
    from messages
    where registration_id in (select registration_id from touched)
),

folded as (
    select
        registration_id,
        -- In a tuple, because argMax by itself passes over nulls.
        argMax(tuple(event_id, is_cancelling), message_order) as latest,
        argMaxIf(
            tuple(
                user_id,
                email_pseudonym,
                ticket_type,
                channel,
                status,
                currency,
                price_minor,
                registered_at
            ),
            message_order,
            message_verb != 'cancelled'
        ) as details,
        argMaxIf(tuple(cancellation_reason), message_order, is_cancelling) as cancellation,
        countIf(message_verb != 'cancelled') as details_count,
        count() as messages_count,
        arraySort(groupArrayIf((message_order, user_id), message_verb != 'cancelled')) as holders,
        arraySort(groupArray((message_order, is_cancelling))) as history,
        minOrNullIf(occurred_at, status = 'confirmed') as first_confirmed_at,
        min(occurred_at) as first_message_at,
        max(occurred_at) as last_message_at
    from ordered
    group by registration_id
),

described as (
    select
        registration_id,
        latest.1 as event_id,
        details.1 as user_id,
        details.2 as email_pseudonym,
        toLowCardinality(details.3) as ticket_type,
        toLowCardinality(details.4) as channel,
        toLowCardinality(if(latest.2, 'cancelled', coalesce(details.5, 'unknown'))) as status,
        toLowCardinality(details.6) as currency,
        if(latest.2, cancellation.1, null) as cancellation_reason,
        details.7 as price_minor,
        toUInt32(messages_count) as messages_count,
        toUInt32(greatest(length(arrayCompact(holders.2)), 1) - 1) as transfers_count,
        toBool(details_count > 0) as has_details,
        details.8 as registered_at,
        first_confirmed_at,
        -- The first message of the run of cancelling ones that the history ends with.
        if(
            latest.2,
            history[arrayLastIndex(message -> not message.2, history) + 1].1.1,
            null
        ) as cancelled_at,
        first_message_at,
        last_message_at,
        {{ built_at() }} as built_at
    from folded
)

select * from described
