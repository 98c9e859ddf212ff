-- One row per reply or note of a ticket, as last seen.
{{
    config(
        unique_key=['ticket_id', 'conversation_id'],
        order_by=['ticket_id', 'conversation_id'],
        pre_hook="{{ refuse_history_loss('conversation_id', source('freshservice', 'conversations'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('conversations', 'conversation_id', parents=['ticket_id']) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                user_id Nullable(Int64),
                incoming Nullable(Bool),
                private Nullable(Bool),
                source Nullable(UInt16),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        parent_id as ticket_id,
        record_id as conversation_id,
        coalesce(record.user_id, 0) as author_id,
        coalesce(record.source, 0) as source_id,
        coalesce(record.incoming, false) as is_incoming,
        coalesce(record.private, false) as is_private,
        coalesce({{ parse_instant('record.created_at') }}, updated_at) as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
