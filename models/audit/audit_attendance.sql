-- One row per source of attendance, step from one layer to the next, and UTC day that was compared.

{%- set app_events = source('user_app', 'events') %}
{%- set staged_app_events = ref('stg_user_app__events') %}
{%- set app_facts = ref('fct_app_events') %}
{%- set scans = ref('fct_scans') %}
{#- Their rollups go on counting whoever has been forgotten, their facts do not. #}
{%- set forgotten = source('landing', 'forgotten_events') %}
{%- set remembered = 'event_id not in (select event_id from ' ~ forgotten ~ ')' %}
{%- set reports = source('gate_management', 'gate_minutes') %}
{%- set staged_reports = ref('stg_gate_management__gate_minutes') %}
{%- set gate_minutes = ref('fct_gate_minutes') %}
{%- set messages = source('event_management', 'event_data') %}
{%- set staged_registrations = ref('stg_event_management__registrations') %}
{%- set hours = source('integrated_platform', 'analytics') %}
{%- set staged_hours = ref('stg_integrated_platform__analytics') %}

{%- set staged_messages = {
    'event': ref('stg_event_management__events'),
    'registration': staged_registrations,
    'session': ref('stg_event_management__sessions'),
    'venue': ref('stg_event_management__venues'),
} %}
{%- set attendance_rollups = [
    (ref('rollup_attendance_hourly'), 'date_hour', 'toStartOfHour'),
    (ref('rollup_attendance_daily'), 'date_day', 'toDate'),
    (ref('rollup_attendance_weekly'), 'date_week', 'toMonday'),
    (ref('rollup_attendance_monthly'), 'date_month', 'toStartOfMonth'),
] %}
{%- set gate_rollups = [
    (ref('rollup_gates_hourly'), 'date_hour', 'toStartOfHour'),
    (ref('rollup_gates_daily'), 'date_day', 'toDate'),
    (ref('rollup_gates_weekly'), 'date_week', 'toMonday'),
    (ref('rollup_gates_monthly'), 'date_month', 'toStartOfMonth'),
] %}

with app as (
    {{ audit_step(
        'user_app', 'raw_to_staging',
        above={
            'of': app_events,
            'by': 'cityHash64(event_id, message_id)',
            'day': 'min(received_at)',
            'key': 'cityHash64(event_id, message_id), min(received_at)',
            'stamp': 'max(landed_at)',
        },
        below={
            'of': staged_app_events,
            'day': 'received_at',
            'key': 'cityHash64(event_id, message_id), received_at',
        },
    ) }}
    union all
    {{ audit_step(
        'user_app', 'staging_to_facts',
        above={
            'of': staged_app_events,
            'day': 'received_at',
            'key': 'event_id, message_id, type, user_key, occurred_at',
            'stamp': '_built_at',
        },
        below={
            'of': app_facts,
            'day': 'received_at',
            'key': 'event_id, message_id, type, user_key, occurred_at',
        },
    ) }}
    union all
    {{ audit_step(
        'user_app', 'staging_to_facts',
        above={
            'of': app_facts,
            'where': "type in ('check_in', 'check_out')",
            'day': 'received_at',
            'key': "event_id, message_id, user_key, type = 'check_in', occurred_at",
            'stamp': 'built_at',
        },
        below={
            'of': scans,
            'day': 'received_at',
            'key': "event_id, message_id, user_key, direction = 'in', scanned_at",
        },
    ) }}
    {%- for rollup, column, bucket in attendance_rollups %}
    union all
    {{ audit_step(
        'user_app', 'facts_to_rollups',
        above={
            'of': scans,
            'where': remembered,
            'by': 'event_id, gate_id, ' ~ bucket ~ '(scanned_at)',
            'day': bucket ~ '(scanned_at)',
            'key': 'event_id, gate_id, ' ~ bucket ~ "(scanned_at), count(), countIf(is_admitted and direction = 'in'), "
                ~ "countIf(is_admitted and direction = 'out')",
            'records': 'count()',
            'stamp': 'max(built_at)',
        },
        below={
            'of': rollup,
            'where': remembered,
            'day': column,
            'key': 'event_id, gate_id, ' ~ column ~ ', scans_count, entries_count, exits_count',
            'records': 'scans_count',
        },
    ) }}
    {%- endfor %}
),

gates as (
    {{ audit_step(
        'gate_management', 'raw_to_staging',
        above={
            'of': reports,
            'by': 'event_id, gate_id, lane, minute_at',
            'day': 'minute_at',
            'key': 'event_id, gate_id, lane, minute_at, max(reported_at)',
            'stamp': 'max(landed_at)',
        },
        below={
            'of': staged_reports,
            'day': 'minute_at',
            'key': 'event_id, gate_id, lane, minute_at, reported_at',
        },
    ) }}
    union all
    {{ audit_step(
        'gate_management', 'staging_to_facts',
        above={
            'of': staged_reports,
            'day': 'minute_at',
            'key': 'event_id, gate_id, lane, minute_at, reported_at, entries_count, exits_count',
            'stamp': '_built_at',
        },
        below={
            'of': gate_minutes,
            'day': 'minute_at',
            'key': 'event_id, gate_id, lane, minute_at, reported_at, entries_count, exits_count',
        },
    ) }}
    {%- for rollup, column, bucket in gate_rollups %}
    union all
    {{ audit_step(
        'gate_management', 'facts_to_rollups',
        above={
            'of': gate_minutes,
            'by': 'event_id, gate_id, ' ~ bucket ~ '(minute_at)',
            'day': bucket ~ '(minute_at)',
            'key': 'event_id, gate_id, ' ~ bucket ~ '(minute_at), count(), sum(entries_count), sum(exits_count)',
            'records': 'count()',
            'stamp': 'max(built_at)',
        },
        below={
            'of': rollup,
            'day': column,
            'key': 'event_id, gate_id, ' ~ column ~ ', lane_minutes_count, entries_count, exits_count',
            'records': 'lane_minutes_count',
        },
    ) }}
    {%- endfor %}
),

event_data as (
    {%- for entity, staged in staged_messages.items() %}
    {{ audit_step(
        'event_management', 'raw_to_staging',
        above={
            'of': messages,
            'where': "startsWith(type, '" ~ entity ~ ".')",
            'by': 'message_id',
            'day': 'argMax(source_at, (landed_at, `partition`, `offset`))',
            'key': 'message_id',
            'stamp': 'max(landed_at)',
        },
        below={'of': staged, 'day': 'occurred_at', 'key': 'message_id'},
    ) }}
    union all
    {%- endfor %}
    {{ audit_step(
        'event_management', 'staging_to_facts', is_kept_whole=true,
        above={
            'of': staged_registrations,
            'by': 'registration_id',
            'day': 'min(occurred_at)',
            'key': 'registration_id, count(), max(occurred_at)',
            'records': 'count()',
            'stamp': 'max(_built_at)',
        },
        below={
            'of': ref('fct_registrations'),
            'day': 'first_message_at',
            'key': 'registration_id, toUInt64(messages_count), last_message_at',
            'records': 'messages_count',
        },
    ) }}
),

platform as (
    {{ audit_step(
        'integrated_platform', 'raw_to_staging',
        above={
            'of': hours,
            'by': 'organization_id, event_id, channel, hour_at',
            'day': 'hour_at',
            'key': 'organization_id, event_id, channel, hour_at, max(updated_at)',
            'stamp': 'max(landed_at)',
        },
        below={
            'of': staged_hours,
            'day': 'hour_at',
            'key': 'organization_id, event_id, channel, hour_at, updated_at',
        },
    ) }}
    union all
    {{ audit_step(
        'integrated_platform', 'staging_to_facts', is_kept_whole=true, settles=false,
        above={
            'of': staged_hours,
            'day': 'hour_at',
            'key': 'organization_id, event_id, channel, hour_at, updated_at, revenue_minor',
        },
        below={
            'of': ref('fct_platform_hours'),
            'day': 'hour_at',
            'key': 'organization_id, event_id, channel, hour_at, updated_at, revenue_minor',
        },
    ) }}
),

steps as (
    select * from app
    union all
    select * from gates
    union all
    select * from event_data
    union all
    select * from platform
)

select * from steps
