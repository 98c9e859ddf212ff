-- One row per hour, event and gate: the scans of that hour, and the visits that began in it.
{{
    config(
        materialized='incremental',
        unique_key=['event_id', 'gate_id', 'date_hour'],
        order_by=['event_id', 'gate_id', 'date_hour'],
        partition_by='toYYYYMM(date_hour)',
        settings={'index_granularity': 64},
        ttl='date_hour + interval ' ~ var('rollup_years') ~ ' year',
        pre_hook=[
            "{{ refuse_event_loss(ref('fct_scans'), 'count()', 'scans_count') }}",
            "{{ delete_emptied_buckets(
                'date_hour', ref('fct_scans'), 'toStartOfHour(scanned_at)', 'count()', 'scans_count',
                [ref('fct_scans'), ref('fct_visits')]
            ) }}",
        ],
    )
}}

with touched_events as (
    {{ whole_events(
        ref('fct_scans'), 'count()', 'scans_count', [ref('fct_scans'), ref('fct_visits')]
    ) }}
),

scans as (
    select * from {{ ref('fct_scans') }}
    where event_id in (select event_id from touched_events)
),

visits as (
    select * from {{ ref('fct_visits') }}
    where event_id in (select event_id from touched_events)
),

users as (
    select * from {{ ref('int_users_numbered') }}
    where user_key in (select user_key from visits)
),

zones as (
    select
        event_id,
        gate_id,
        coalesce(max(zone), 'Unknown') as zone
    from scans
    group by event_id, gate_id
),

moments as (
    select
        event_id,
        gate_id,
        toStartOfHour(scanned_at) as date_hour,
        true as is_scan,
        direction,
        result,
        is_admitted,
        is_override,
        is_offline,
        false as is_walk_up,
        false as is_exit_imputed,
        null as dwell_seconds,
        0 as user_number
    from scans
    union all
    select
        visits.event_id as event_id,
        visits.entry_gate_id as gate_id,
        toStartOfHour(visits.entered_at) as date_hour,
        false as is_scan,
        '' as direction,
        '' as result,
        true as is_admitted,
        false as is_override,
        false as is_offline,
        visits.is_walk_up as is_walk_up,
        visits.is_exit_imputed as is_exit_imputed,
        visits.dwell_seconds as dwell_seconds,
        users.user_number as user_number
    from visits
    inner join users on visits.user_key = users.user_key
),

counted as (
    select
        moments.event_id as event_id,
        moments.gate_id as gate_id,
        toLowCardinality(max(zones.zone)) as zone,
        countIf(is_scan) as scans_count,
        countIf(is_scan and is_admitted and direction = 'in') as entries_count,
        countIf(is_scan and is_admitted and direction = 'out') as exits_count,
        countIf(not is_admitted) as rejects_count,
        countIf(not is_admitted and result = 'duplicate') as duplicate_rejects_count,
        countIf(not is_admitted and result = 'invalid') as invalid_rejects_count,
        countIf(not is_admitted and result = 'wrong_gate') as wrong_gate_rejects_count,
        countIf(not is_admitted and result = 'revoked') as revoked_rejects_count,
        countIf(is_override) as overrides_count,
        countIf(is_offline) as offline_count,
        countIf(not is_scan) as visits_count,
        countIf(is_walk_up) as walk_up_visits_count,
        count(dwell_seconds) as timed_visits_count,
        countIf(is_exit_imputed) as imputed_exits_count,
        sum(coalesce(dwell_seconds, 0)) as dwell_total_seconds,
        sumIf(coalesce(dwell_seconds, 0), is_exit_imputed) as imputed_dwell_total_seconds,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(
            assumeNotNull(dwell_seconds), dwell_seconds is not null
        ) as dwell_seconds_quantiles,
        groupBitmapStateIf(assumeNotNull(user_number), not is_scan) as visitors,
        moments.date_hour as date_hour,
        {{ built_at() }} as built_at
    from moments
    inner join zones
        on moments.event_id = zones.event_id and moments.gate_id = zones.gate_id
    group by event_id, gate_id, date_hour
),

{{ changed_rows('counted') }}

select * from changed
