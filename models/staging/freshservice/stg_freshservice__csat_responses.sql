-- One row per version of an answer to the satisfaction survey: what it was at updated_at.
{{
    config(
        unique_key=['parent_type', 'parent_id', 'csat_response_id', 'updated_at'],
        order_by=['parent_type', 'parent_id', 'csat_response_id', 'updated_at'],
        pre_hook="{{ refuse_history_loss('parent_type, parent_id, csat_response_id', source('freshservice', 'csat_responses'), 'parent_type, parent_id, record_id') }}",
    )
}}

with records as (
    {{
        landed_records(
            'csat_responses', 'csat_response_id', keeps_versions=true,
            parents=['parent_type', 'parent_id'],
        )
    }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                overall_rating Nullable(Float64),
                overall_rating_text Nullable(String),
                score Tuple(acquired_score Nullable(Float64), total_score Nullable(Float64)),
                created_at Nullable(String)
            )'
        ) as record
    from records
),

-- Where an answer gives its code alone, its text may say out of how many points.
scaled as (
    select
        *,
        coalesce(
            toFloat64OrNull(extract(record.overall_rating_text, '/\\s*(\\d+)')),
            {{ var('csat_total_score') }}
        ) as scale
    from parsed
),

typed as (
    select
        parent_type,
        parent_id,
        record_id as csat_response_id,
        coalesce(record.score.acquired_score, record.overall_rating) as acquired_score,
        multiIf(
            record.score.acquired_score is not null, record.score.total_score,
            -- Of a code that is no number of points, such as 103, nobody knows how good it is.
            record.overall_rating between 0 and scale, scale,
            null
        ) as total_score,
        coalesce({{ parse_instant('record.created_at') }}, updated_at) as created_at,
        updated_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from scaled
)

select * from typed
