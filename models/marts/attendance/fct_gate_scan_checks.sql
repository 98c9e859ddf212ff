-- One row per event and gate: people let in by the gate's counters beside those by the app's scans.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'gate_id'],
        ttl='toDateTime(first_minute_at) + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook="{{ refuse_event_loss(ref('fct_scans'), 'count()', 'scans_count') }}",
    )
}}

with touched_events as (
    {{ whole_events(
        ref('fct_scans'), 'count()', 'scans_count', [ref('fct_scans'), ref('fct_gate_minutes')]
    ) }}
),

scans as (
    select * from {{ ref('fct_scans') }}
    where event_id in (select event_id from touched_events)
),

minutes as (
    select * from {{ ref('fct_gate_minutes') }}
    where event_id in (select event_id from touched_events)
),

-- Each side tells of a lane's minute or does not.
told as (
    select
        event_id,
        gate_id,
        coalesce(lane, 0) as lane,
        toStartOfMinute(scanned_at) as minute_at,
        count() as scans_count,
        countIf(is_admitted and direction = 'in') as scanned_count,
        countIf(is_admitted and direction = 'in' and is_offline) as offline_count,
        countIf(is_admitted and direction = 'in' and occurred_at_rule != 'client') as doubted_count,
        0 as reported_count,
        0 as reports_count
    from scans
    group by event_id, gate_id, lane, minute_at
    union all
    select
        event_id,
        gate_id,
        lane,
        toStartOfMinute(minute_at) as minute_at,
        0 as scans_count,
        0 as scanned_count,
        0 as offline_count,
        0 as doubted_count,
        entries_count as reported_count,
        1 as reports_count
    from minutes
),

compared as (
    select
        event_id,
        gate_id,
        lane,
        minute_at,
        sum(scans_count) as scans_count,
        sum(scanned_count) as scanned_count,
        sum(offline_count) as offline_count,
        sum(doubted_count) as doubted_count,
        sum(reported_count) as reported_count,
        sum(reports_count) > 0 as is_reported
    from told
    group by event_id, gate_id, lane, minute_at
),

counted as (
    select
        event_id,
        gate_id,
        sum(scans_count) as scans_count,
        sum(reported_count) as reported_entries_count,
        sum(scanned_count) as scanned_entries_count,
        sum(offline_count) as offline_entries_count,
        sum(doubted_count) as doubted_entries_count,
        sumIf(scanned_count - reported_count, scanned_count > reported_count) as extra_scans_count,
        sumIf(scanned_count, not is_reported) as unreported_scans_count,
        sumIf(reported_count - scanned_count, reported_count > scanned_count)
            as missing_scans_count,
        min(minute_at) as first_minute_at
    from compared
    group by event_id, gate_id
),

explained as (
    select
        event_id,
        gate_id,
        toLowCardinality(
            multiIf(
                extra_scans_count + missing_scans_count = 0, 'agree',
                extra_scans_count = missing_scans_count
                and missing_scans_count <= doubted_entries_count, 'clocks',
                missing_scans_count = 0 and extra_scans_count = unreported_scans_count,
                'reports_missing',
                extra_scans_count = 0, 'scans_missing',
                'several'
            )
        ) as explanation,
        scans_count,
        reported_entries_count,
        scanned_entries_count,
        toInt64(scanned_entries_count) - toInt64(reported_entries_count) as difference_count,
        offline_entries_count,
        doubted_entries_count,
        extra_scans_count,
        unreported_scans_count,
        missing_scans_count,
        first_minute_at,
        {{ built_at() }} as built_at
    from counted
)

select * from explained
