-- One row per registration, kept up to date: who holds it now, when it reached each milestone, and
-- whether somebody came with it.
{{
    config(
        materialized='incremental',
        unique_key='registration_id',
        order_by=['event_id', 'registration_id'],
        indexes=[
            {'name': 'built', 'definition': 'built_at type minmax granularity 1'},
            {
                'name': 'milestones',
                'definition': '(is_expected, is_checked_in, is_no_show) type set(8) granularity 1',
            },
        ],
        pre_hook="{{ refuse_history_loss('registration_id', ref('stg_event_management__registrations')) }}",
    )
}}

with messages as (
    select * from {{ ref('stg_event_management__registrations') }}
),

event_messages as (
    select * from {{ ref('stg_event_management__events') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

scans as (
    select * from {{ ref('fct_scans') }}
    where is_admitted and registration_id is not null
),

newly_told_of as (
    select registration_id
    from messages
    where {{ built_since_last_build() }}
    union distinct
    select assumeNotNull(registration_id) as registration_id
    from scans
    where {{ built_since_last_build('built_at') }}
    {%- if is_incremental() %}
    union distinct
    -- Of an event that was told of anew, or is over since.
    select registration_id
    from {{ this }}
    where
        event_id in (
            select event_id
            from event_messages
            where {{ built_since_last_build() }}
        )
        or (
            is_expected
            and not is_checked_in
            and not is_no_show
            and event_id in (
                select event_id
                from events
                where ends_at <= {{ attendance_as_of() }}
            )
        )
    {%- endif %}
),

-- Worked out once, as an array: a CTE is worked out wherever it is named.
touched as (
    select arrayJoin((select groupUniqArray(registration_id) from newly_told_of)) as registration_id
),

ordered as (
    select
        messages.*,
        {{ message_order() }} as message_order,
        message_verb = 'cancelled' or coalesce(status = 'cancelled', false) as is_cancelling,
        coalesce(occurred_at <= events.doors_open_at, false) as is_before_doors
    from messages
    left join events on messages.event_id = events.event_id
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
        argMaxIf(
            not is_cancelling and coalesce(status = 'confirmed', false),
            message_order,
            is_before_doors
        ) as is_confirmed_at_doors,
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

-- A ticket counts where it is for: a gate of another event that takes it has made a mistake.
came as (
    select
        registration_id as scanned_registration_id,
        event_id as scanned_event_id,
        argMinIf(user_key, (scanned_at, message_id), direction = 'in') as checked_in_user_key,
        minIf(scanned_at, direction = 'in') as checked_in_at,
        maxOrNullIf(scanned_at, direction = 'out') as last_checked_out_at
    from scans
    where
        event_id in (
            select event_id
            from messages
            where registration_id in (select registration_id from touched)
        )
    group by scanned_registration_id, scanned_event_id
    having countIf(direction = 'in') > 0
),

judged as (
    select
        folded.*,
        came.checked_in_user_key as checked_in_user_key,
        came.checked_in_at as checked_in_at,
        came.last_checked_out_at as last_checked_out_at,
        folded.is_confirmed_at_doors
        and not coalesce(events.cancelled_at <= events.doors_open_at, false) as is_expected,
        came.checked_in_at is not null as is_checked_in,
        coalesce(events.ends_at <= {{ attendance_as_of() }}, false) as is_over
    from folded
    left join came
        on
            folded.registration_id = came.scanned_registration_id
            and folded.latest.1 = came.scanned_event_id
    left join events on folded.latest.1 = events.event_id
),

described as (
    select
        registration_id,
        latest.1 as event_id,
        details.1 as user_id,
        checked_in_user_key,
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
        toBool(is_expected) as is_expected,
        toBool(is_checked_in) as is_checked_in,
        toBool(is_expected and is_over and not is_checked_in) as is_no_show,
        details.8 as registered_at,
        first_confirmed_at,
        -- The first message of the run of cancelling ones that the history ends with.
        if(
            latest.2,
            history[arrayLastIndex(message -> not message.2, history) + 1].1.1,
            null
        ) as cancelled_at,
        checked_in_at,
        last_checked_out_at,
        first_message_at,
        last_message_at,
        {{ built_at() }} as built_at
    from judged
)

select * from described
