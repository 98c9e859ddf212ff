-- One row per change, as last seen.
{{
    config(
        unique_key='change_id',
        order_by='change_id',
        pre_hook="{{ refuse_history_loss('change_id', source('freshservice', 'changes'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('changes', 'change_id') }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                agent_id Nullable(Int64),
                requester_id Nullable(Int64),
                group_id Nullable(Int64),
                department_id Nullable(Int64),
                category Nullable(String),
                status Nullable(UInt16),
                priority Nullable(UInt8),
                impact Nullable(UInt8),
                risk Nullable(UInt8),
                change_type Nullable(UInt8),
                approval_status Nullable(UInt8),
                deleted Nullable(Bool),
                planned_start_date Nullable(String),
                planned_end_date Nullable(String),
                created_at Nullable(String),
                stats Tuple(
                    planning_at Nullable(String),
                    approval_at Nullable(String),
                    pending_release_at Nullable(String),
                    pending_review_at Nullable(String),
                    closed_at Nullable(String)
                )
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as change_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.requester_id, 0) as requester_id,
        coalesce(record.group_id, 0) as group_id,
        coalesce(record.department_id, 0) as department_id,
        toLowCardinality({{ clean_string('record.category') }}) as category,
        coalesce(record.status, 0) as status_id,
        coalesce(record.priority, 0) as priority_id,
        coalesce(record.impact, 0) as impact_id,
        coalesce(record.risk, 0) as risk_id,
        coalesce(record.change_type, 0) as change_type_id,
        coalesce(record.approval_status, 0) as approval_status_id,
        coalesce(record.deleted, false) as is_deleted,
        {{ parse_instant('record.planned_start_date') }} as planned_starts_at,
        {{ parse_instant('record.planned_end_date') }} as planned_ends_at,
        {{ parse_instant('record.stats.planning_at') }} as planning_at,
        {{ parse_instant('record.stats.approval_at') }} as approval_at,
        {{ parse_instant('record.stats.pending_release_at') }} as pending_release_at,
        {{ parse_instant('record.stats.pending_review_at') }} as pending_review_at,
        {{ parse_instant('record.stats.closed_at') }} as closed_at,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
