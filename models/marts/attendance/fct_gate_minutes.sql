-- One row per event, gate, lane and minute in which the lane was open, kept up to date: what the
-- gate itself counted, as last reported.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'gate_id', 'lane', 'minute_at'],
        order_by=['event_id', 'gate_id', 'lane', 'minute_at'],
        indexes=[{'name': 'built', 'definition': 'built_at type minmax granularity 1'}],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('event_id, gate_id, lane, minute_at', ref('stg_gate_management__gate_minutes')) }}",
    )
}}

with reports as (
    select * from {{ ref('stg_gate_management__gate_minutes') }}
),

gates as (
    select * from {{ ref('stg_gate_management__gates') }}
),

changed_gates as (
    select * from gates
    where {{ built_since_last_build() }}
),

-- A gate that is listed anew, with another zone, brings its minutes along.
touched as (
    select * from reports
    where
        {{ built_since_last_build() }}
        or gate_id in (select gate_id from changed_gates)
),

measured as (
    select
        touched.event_id as event_id,
        touched.gate_id as gate_id,
        gates.venue_id as venue_id,
        gates.zone as zone,
        touched.lane as lane,
        touched.lane_status as lane_status,
        touched.firmware as firmware,
        touched.entries_count as entries_count,
        touched.exits_count as exits_count,
        touched.duplicate_rejects_count as duplicate_rejects_count,
        touched.invalid_rejects_count as invalid_rejects_count,
        touched.wrong_gate_rejects_count as wrong_gate_rejects_count,
        touched.revoked_rejects_count as revoked_rejects_count,
        touched.duplicate_rejects_count + touched.invalid_rejects_count
        + touched.wrong_gate_rejects_count + touched.revoked_rejects_count as rejects_count,
        touched.manual_overrides_count as manual_overrides_count,
        touched.queue_length as queue_length,
        touched.service_seconds_p50 as service_seconds_p50,
        {{ seconds_between('addMinutes(touched.minute_at, 1)', 'touched.first_reported_at') }}
            as report_delay_seconds,
        if(
            touched.is_corrected,
            {{ seconds_between('touched.first_reported_at', 'touched.reported_at') }},
            null
        ) as corrected_after_seconds,
        toBool(coalesce(report_delay_seconds > {{ var('late_report_seconds') }}, false))
            as is_late,
        touched.is_corrected as is_corrected,
        touched.minute_at as minute_at,
        touched.reported_at as reported_at,
        {{ built_at() }} as built_at
    from touched
    left join gates on touched.gate_id = gates.gate_id
)

select * from measured
