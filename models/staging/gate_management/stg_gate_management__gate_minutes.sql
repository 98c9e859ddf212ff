-- One row per event, gate, lane and minute: what the lane counted, as last reported.
{{
    config(
        unique_key=['event_id', 'gate_id', 'lane', 'minute_at'],
        order_by=['event_id', 'gate_id', 'lane', 'minute_at'],
        pre_hook="{{ refuse_history_loss('event_id, gate_id, lane, minute_at', source('gate_management', 'gate_minutes')) }}",
    )
}}

with reports as (
    {{ landed_reports(
        'gate_management', 'gate_minutes', ['event_id', 'gate_id', 'lane', 'minute_at'], 'reported_at'
    ) }}
),

parsed as (
    select
        *,
        JSONExtract(
            payload,
            'Tuple(
                status Nullable(String),
                firmware Nullable(String),
                entries UInt32,
                exits UInt32,
                rejects Tuple(duplicate UInt32, invalid UInt32, wrong_gate UInt32, revoked UInt32),
                manual_overrides UInt32,
                queue_length Nullable(UInt32),
                service_seconds_p50 Nullable(Float64)
            )'
        ) as report
    from reports
),

typed as (
    select
        event_id,
        gate_id,
        lane,
        toLowCardinality(lower({{ clean_string('report.status') }})) as lane_status,
        toLowCardinality({{ clean_string('report.firmware') }}) as firmware,
        report.entries as entries_count,
        report.exits as exits_count,
        report.rejects.duplicate as duplicate_rejects_count,
        report.rejects.invalid as invalid_rejects_count,
        report.rejects.wrong_gate as wrong_gate_rejects_count,
        report.rejects.revoked as revoked_rejects_count,
        report.manual_overrides as manual_overrides_count,
        report.queue_length as queue_length,
        report.service_seconds_p50 as service_seconds_p50,
        toBool(reported_at > first_reported_at) as is_corrected,
        minute_at,
        first_reported_at,
        reported_at,
        _payload_hash,
        {{ built_at() }} as _built_at
    from parsed
)

select * from typed
