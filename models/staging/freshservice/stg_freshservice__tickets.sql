-- One row per version of a ticket: what it was at updated_at, polled or streamed. Of two contents
-- under one updated_at the one that landed last holds, unless it lacks the other's stats.
{{
    config(
        unique_key=['ticket_id', 'updated_at'],
        order_by=['ticket_id', 'updated_at'],
        pre_hook="{{ refuse_history_loss(
            'ticket_id',
            '(select record_id from ' ~ source('freshservice', 'tickets')
            ~ ' union all select record_id from ' ~ source('freshservice', 'ticket_events') ~ ')',
            'record_id'
        ) }}",
    )
}}

with records as (
    {{
        landed_records(
            'tickets',
            'ticket_id',
            keeps_versions=true,
            also='ticket_events',
            richer="JSONType(payload, 'stats') = 'Object'"
        )
    }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                requester_id Nullable(Int64),
                responder_id Nullable(Int64),
                group_id Nullable(Int64),
                department_id Nullable(Int64),
                type Nullable(String),
                category Nullable(String),
                sub_category Nullable(String),
                item_category Nullable(String),
                status Nullable(UInt16),
                priority Nullable(UInt8),
                source Nullable(UInt16),
                deleted Nullable(Bool),
                spam Nullable(Bool),
                is_escalated Nullable(Bool),
                fr_escalated Nullable(Bool),
                created_at Nullable(String),
                due_by Nullable(String),
                fr_due_by Nullable(String),
                stats Tuple(
                    status_updated_at Nullable(String),
                    assigned_at Nullable(String),
                    first_responded_at Nullable(String),
                    resolved_at Nullable(String),
                    closed_at Nullable(String),
                    resolution_time_in_secs Nullable(Int64)
                )
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as ticket_id,
        coalesce(record.requester_id, 0) as requester_id,
        coalesce(record.responder_id, 0) as responder_id,
        coalesce(record.group_id, 0) as group_id,
        coalesce(record.department_id, 0) as department_id,
        toLowCardinality({{ clean_string('record.type') }}) as ticket_type,
        toLowCardinality(coalesce({{ clean_string('record.category') }}, 'General')) as category,
        toLowCardinality({{ clean_string('record.sub_category') }}) as sub_category,
        toLowCardinality({{ clean_string('record.item_category') }}) as item_category,
        coalesce(record.status, 0) as status_id,
        coalesce(record.priority, 2) as priority_id,
        coalesce(record.source, 0) as source_id,
        if(
            record.stats.resolved_at is null, null, nullIf(record.stats.resolution_time_in_secs, 0)
        ) as reported_resolution_seconds,
        record.priority is null as is_priority_defaulted,
        {{ clean_string('record.category') }} is null as is_category_defaulted,
        coalesce(record.deleted, false) as is_deleted,
        coalesce(record.spam, false) as is_spam,
        coalesce(record.is_escalated, false) as is_resolution_escalated,
        coalesce(record.fr_escalated, false) as is_first_response_escalated,
        coalesce({{ parse_instant('record.created_at') }}, updated_at) as created_at,
        updated_at,
        {{ parse_instant('record.due_by') }} as due_at,
        {{ parse_instant('record.fr_due_by') }} as first_response_due_at,
        {{ parse_instant('record.stats.status_updated_at') }} as status_updated_at,
        {{ parse_instant('record.stats.assigned_at') }} as assigned_at,
        {{ parse_instant('record.stats.first_responded_at') }} as first_responded_at,
        {{ parse_instant('record.stats.resolved_at') }} as resolved_at,
        {{ parse_instant('record.stats.closed_at') }} as closed_at,
        _payload_hash,
        _is_richer,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
