-- One row per event, person and unbroken stay. An exit that nobody scanned is imputed, and says so;
-- who is still inside as of the latest message has none.
{{
    config(
        materialized='incremental',
        unique_key='event_id',
        order_by=['event_id', 'user_key', 'visit_number'],
        partition_by='toYYYYMM(entered_at)',
        indexes=[
            {'name': 'built', 'definition': 'built_at type minmax granularity 1'},
            {'name': 'ended', 'definition': 'left_at type minmax granularity 1'},
            {'name': 'next_event', 'definition': 'next_event_id type bloom_filter granularity 1'},
        ],
        ttl='toDateTime(built_at) + interval ' ~ var('detail_months') ~ ' month',
        pre_hook="{{ refuse_history_loss('event_id', ref('fct_scans')) }}",
    )
}}

with scans as (
    select * from {{ ref('fct_scans') }}
),

event_messages as (
    select * from {{ ref('stg_event_management__events') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

built_scans as (
    select *
    from scans
    where {{ built_since_last_build('built_at') }}
),

{% if is_incremental() -%}
-- Visits without a scanned exit that new scans may bear on: by indexes, as they are few of many.
unsure as (
    select *
    from {{ this }}
    where
        (is_exit_imputed or left_at is null)
        and (
            left_at is null
            or left_at > (select minOrNull(scanned_at) from built_scans)
            or next_event_id in (select event_id from built_scans)
        )
),

{% endif -%}
newly_built as (
    select event_id
    from built_scans
    union distinct
    select event_id
    from event_messages
    where {{ built_since_last_build() }}
    {%- if is_incremental() %}
    union distinct
    -- Over since: who is still inside can be said to have left.
    select event_id
    from {{ this }}
    where
        left_at is null
        and event_id in (
            select event_id
            from events
            where ends_at <= {{ attendance_as_of() }}
        )
    union distinct
    -- Let in elsewhere before the exit that was imputed, or perhaps no longer where that came from.
    select unsure.event_id as event_id
    from unsure
    inner join built_scans on unsure.user_key = built_scans.user_key
    where
        built_scans.is_admitted
        and built_scans.direction = 'in'
        and (
            (
                built_scans.scanned_at > unsure.entered_at
                and coalesce(built_scans.scanned_at < unsure.left_at, true)
            )
            or coalesce(unsure.next_event_id = built_scans.event_id, false)
        )
    {%- endif %}
),

-- Worked out once, as an array: a CTE is worked out wherever it is named.
touched as (
    select arrayJoin((select groupUniqArray(event_id) from newly_built)) as event_id
),

paired as (
    select
        *,
        (scanned_at, received_at, seq, message_id) as scan_order
    from scans
    where
        event_id in (select event_id from touched)
        and is_admitted
),

last_scans as (
    select
        event_id,
        max(scanned_at) as last_scan_at
    from paired
    group by event_id
),

folded as (
    select
        event_id,
        user_key,
        assumeNotNull(visit_number) as visit_number,
        argMinIf(tuple(gate_id, lane, zone), scan_order, direction = 'in') as entrance,
        argMinIf(registration_id, scan_order, direction = 'in' and registration_id is not null)
            as shown_registration_id,
        countIf(direction = 'in' and registration_id is not null) as credentials_count,
        argMaxIf(tuple(direction, gate_id, scanned_at), scan_order, scan_effect != 'repeat')
            as last_crossing,
        countIf(scan_effect = 're_entry') as re_entries_count,
        countIf(scan_effect = 'repeat') as repeats_count,
        max(is_override and direction = 'in') as is_overridden,
        min(scanned_at) as entered_at,
        maxIf(scanned_at, scan_effect != 'repeat') as last_seen_at
    from paired
    where scan_effect != 'stray_exit'
    group by event_id, user_key, visit_number
),

unended as (
    select
        event_id,
        user_key,
        visit_number,
        last_seen_at
    from folded
    where last_crossing.1 = 'in'
),

-- What was received before somebody was last seen cannot be of later.
let_in as (
    select
        event_id,
        user_key,
        scanned_at
    from scans
    where
        received_at >= (select min(last_seen_at) from unended)
        and is_admitted
        and direction = 'in'
        and user_key in (select user_key from unended)
),

elsewhere as (
    select
        unended.event_id as event_id,
        unended.user_key as user_key,
        unended.visit_number as visit_number,
        min((let_in.scanned_at, let_in.event_id)) as next_entry
    from unended
    inner join let_in on unended.user_key = let_in.user_key
    where
        unended.event_id != let_in.event_id
        and let_in.scanned_at > unended.last_seen_at
    group by event_id, user_key, visit_number
),

bounded as (
    select
        folded.event_id as event_id,
        folded.user_key as user_key,
        folded.visit_number as visit_number,
        folded.entrance as entrance,
        folded.shown_registration_id as shown_registration_id,
        folded.credentials_count as credentials_count,
        folded.last_crossing as last_crossing,
        folded.re_entries_count as re_entries_count,
        folded.repeats_count as repeats_count,
        folded.is_overridden as is_overridden,
        folded.entered_at as entered_at,
        folded.last_crossing.1 = 'out' as is_exit_scanned,
        elsewhere.next_entry.1 as next_entry_at,
        events.ends_at is null as is_end_unknown,
        multiIf(
            is_end_unknown, last_scans.last_scan_at,
            events.ends_at <= {{ attendance_as_of() }},
            greatest(events.ends_at, folded.last_seen_at),
            null
        ) as closing_at,
        not is_exit_scanned
        and coalesce(next_entry_at < closing_at, next_entry_at is not null) as is_elsewhere,
        if(is_elsewhere, elsewhere.next_entry.2, null) as next_event_id
    from folded
    left join elsewhere
        on
            folded.event_id = elsewhere.event_id
            and folded.user_key = elsewhere.user_key
            and folded.visit_number = elsewhere.visit_number
    left join last_scans on folded.event_id = last_scans.event_id
    left join events on folded.event_id = events.event_id
),

described as (
    select
        event_id,
        user_key,
        toLowCardinality(entrance.1) as entry_gate_id,
        toLowCardinality(if(is_exit_scanned, last_crossing.2, null)) as exit_gate_id,
        if(credentials_count > 0, shown_registration_id, null) as registration_id,
        next_event_id,
        toLowCardinality(entrance.3) as zone,
        toLowCardinality(
            multiIf(
                is_exit_scanned or left_at is null, null,
                is_elsewhere, 'entry_elsewhere',
                is_end_unknown, 'last_scan',
                'event_end'
            )
        ) as imputed_by,
        visit_number,
        entrance.2 as entry_lane,
        toUInt16(re_entries_count) as re_entries_count,
        toUInt16(repeats_count) as repeats_count,
        {{ seconds_between('entered_at', 'left_at') }} as dwell_seconds,
        toBool(credentials_count = 0) as is_walk_up,
        toBool(is_overridden) as is_overridden,
        toBool(imputed_by is not null) as is_exit_imputed,
        entered_at,
        multiIf(is_exit_scanned, last_crossing.3, is_elsewhere, next_entry_at, closing_at)
            as left_at,
        {{ built_at() }} as built_at
    from bounded
)

select * from described
