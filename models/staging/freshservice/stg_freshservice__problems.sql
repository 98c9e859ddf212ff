-- One row per version of a problem: what it was at updated_at. Only versions tell when it closed.
{{
    config(
        unique_key=['problem_id', 'updated_at'],
        order_by=['problem_id', 'updated_at'],
        pre_hook="{{ refuse_history_loss('problem_id', source('freshservice', 'problems'), 'record_id') }}",
    )
}}

with records as (
    {{ landed_records('problems', 'problem_id', keeps_versions=true) }}
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
                known_error Nullable(Bool),
                deleted Nullable(Bool),
                associated_change Nullable(String),
                analysis_fields Tuple(
                    problem_cause Nullable(String),
                    problem_symptom Nullable(String),
                    problem_impact Nullable(String)
                ),
                assets Array(Tuple(display_id Nullable(Int64))),
                due_by Nullable(String),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

typed as (
    select
        record_id as problem_id,
        coalesce(record.agent_id, 0) as agent_id,
        coalesce(record.requester_id, 0) as requester_id,
        coalesce(record.group_id, 0) as group_id,
        coalesce(record.department_id, 0) as department_id,
        arraySort(
            arrayDistinct(
                arrayMap(
                    display_id -> assumeNotNull(display_id),
                    arrayFilter(display_id -> display_id is not null, record.assets.display_id)
                )
            )
        ) as asset_display_ids,
        toLowCardinality({{ clean_string('record.category') }}) as category,
        coalesce(record.status, 0) as status_id,
        coalesce(record.priority, 0) as priority_id,
        coalesce(record.impact, 0) as impact_id,
        coalesce(record.known_error, false) as is_known_error,
        toBool(coalesce(record.analysis_fields.problem_cause, '') not in ('', '{}')) as has_cause,
        toBool(coalesce(record.associated_change, '') not in ('', '{}')) as has_change,
        coalesce(record.deleted, false) as is_deleted,
        {{ parse_instant('record.due_by') }} as due_at,
        {{ parse_instant('record.created_at') }} as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
