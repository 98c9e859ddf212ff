-- One row per ticket and instant of its history: what its activities say was set then, by ids
-- instead of names; null is what they do not say.
{{
    config(
        materialized='incremental',
        unique_key='ticket_id',
        order_by=['ticket_id', 'told_at'],
    )
}}

with activities as (
    select * from {{ ref('stg_freshservice__activities') }}
),

sweeps as (
    select *
    from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'activities' and parent_type = 'ticket'
),

agents as (
    select * from {{ ref('stg_freshservice__agents') }}
),

agent_groups as (
    select * from {{ ref('stg_freshservice__groups') }}
),

agent_versions as (
    select * from {{ ref('agents_history') }}
),

group_versions as (
    select * from {{ ref('groups_history') }}
),

statuses as (
    select * from {{ ref('ticket_statuses') }}
),

priorities as (
    select * from {{ ref('ticket_priorities') }}
),

-- Names as they ever were, for a sentence keeps the name of its day.
names as (
    select
        'status' as field,
        status_name as set_to,
        toInt64(status_id) as code
    from statuses
    union all
    select
        'priority' as field,
        priority_name as set_to,
        toInt64(priority_id) as code
    from priorities
    union all
    select
        'group' as field,
        group_name as set_to,
        group_id as code
    from group_versions
    union all
    select
        'agent' as field,
        full_name_pseudonym as set_to,
        agent_id as code
    from agent_versions
    union all
    select
        arrayJoin(['group', 'agent']) as field,
        'None' as set_to,
        toInt64(0) as code
    union all
    select
        arrayJoin(['deleted', 'spam']) as field,
        arrayJoin(['false', 'true']) as set_to,
        toInt64(set_to = 'true') as code
),

-- Two agents may share one.
codes as (
    select
        field,
        set_to,
        arraySort(groupUniqArray(code)) as codes
    from names
    where set_to is not null
    group by field, set_to
),

touched as (
    select ticket_id
    from activities
    where {{ built_since_last_build() }}
    union distinct
    select parent_id as ticket_id
    from sweeps
    where {{ built_since_last_build() }}
    union distinct
    -- A name that is known since.
    select ticket_id
    from activities
    where
        set_to in (
            select full_name_pseudonym
            from agents
            where {{ built_since_last_build() }}
            union all
            select group_name
            from agent_groups
            where {{ built_since_last_build() }}
        )
),

-- A sentence that the list no longer shows was taken back.
listed as (
    select
        parent_id as ticket_id,
        read_at,
        activity_id
    from sweeps
    left array join record_ids as activity_id
    where parent_id in (select ticket_id from touched)
),

sentences as (
    select *
    from activities
    where ticket_id in (select ticket_id from touched)
),

coded as (
    select
        listed.ticket_id as ticket_id,
        coalesce(sentences.created_at, listed.read_at) as told_at,
        coalesce(sentences.field, '') as field,
        if(
            sentences.field = 'merged_into',
            [toInt64OrZero(assumeNotNull(sentences.set_to))],
            codes.codes
        ) as codes,
        (sentences.activity_id, sentences.sentence_number) as place
    from listed
    left join sentences
        on
            listed.ticket_id = sentences.ticket_id
            and listed.activity_id = sentences.activity_id
    left join codes
        on sentences.field = codes.field and sentences.set_to = codes.set_to
),

told as (
    select
        ticket_id,
        argMaxOrNullIf(codes[1], place, field = 'status' and notEmpty(codes)) as status_id,
        argMaxOrNullIf(codes[1], place, field = 'group' and notEmpty(codes)) as group_id,
        argMaxIf(codes, place, field = 'agent' and notEmpty(codes)) as responder_ids,
        argMaxOrNullIf(codes[1], place, field = 'priority' and notEmpty(codes)) as priority_id,
        argMaxOrNullIf(codes[1], place, field = 'merged_into') as merged_into_id,
        argMaxOrNullIf(codes[1] = 1, place, field = 'deleted') as is_deleted,
        argMaxOrNullIf(codes[1] = 1, place, field = 'spam') as is_spam,
        told_at,
        {{ built_at() }} as _built_at
    from coded
    group by ticket_id, told_at
)

select * from told
