-- One row per build, metric, source and field: the records that are new since the build before, and
-- how many of them fail. A build without new records adds nothing.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        order_by=['metric', 'source', 'field', '_built_at'],
        ttl='toDateTime(_built_at) + interval ' ~ var('detail_months') ~ ' month',
    )
}}

{#- Of each model: source, entity, key, and checks: metric, field, whom it is about, who fails. #}
{%- set checked = [
    (ref('stg_freshservice__tickets'), 'freshservice', 'tickets', '(ticket_id, updated_at)', [
        ('missing_ratio', 'priority', 'true', 'is_priority_defaulted'),
        ('missing_ratio', 'category', 'true', 'is_category_defaulted'),
        ('missing_ratio', 'requester_id', 'true', 'requester_id = 0'),
        ('orphan_ratio', 'responder_id', 'responder_id > 0', 'responder_id not in (select agent_id from agents)'),
        ('orphan_ratio', 'group_id', 'group_id > 0', 'group_id not in (select group_id from groups)'),
    ]),
    (ref('stg_event_management__events'), 'event_management', 'events', 'message_id', [
        ('missing_ratio', 'venue_id', "message_verb != 'cancelled'", 'venue_id is null'),
        ('missing_ratio', 'capacity', "message_verb != 'cancelled'", 'capacity is null'),
        ('missing_ratio', 'time_zone', "message_verb != 'cancelled'", 'time_zone is null'),
        ('missing_ratio', 'starts_at', "message_verb != 'cancelled'", 'starts_at is null'),
    ]),
    (ref('stg_event_management__sessions'), 'event_management', 'sessions', 'message_id', [
        ('missing_ratio', 'session_title', "message_verb != 'cancelled'", 'title is null'),
    ]),
    (ref('stg_event_management__venues'), 'event_management', 'venues', 'message_id', [
        ('missing_ratio', 'venue_time_zone', 'true', 'time_zone is null'),
    ]),
    (ref('stg_event_management__registrations'), 'event_management', 'registrations', 'message_id', [
        ('missing_ratio', 'user_id', "message_verb != 'cancelled'", 'user_id is null'),
        ('missing_ratio', 'ticket_type', "message_verb != 'cancelled'", 'ticket_type is null'),
        ('missing_ratio', 'registered_at', "message_verb != 'cancelled'", 'registered_at is null'),
        ('orphan_ratio', 'event_id', "message_verb != 'cancelled'", 'event_id not in (select event_id from events)'),
    ]),
    (ref('stg_user_app__events'), 'user_app', 'messages', '(event_id, message_id)', [
        ('missing_ratio', 'timestamp', 'true', 'client_at is null'),
        ('missing_ratio', 'sent_at', 'true', 'sent_at is null'),
        ('missing_ratio', 'gate_id', "type in ('check_in', 'check_out')", 'gate_id is null'),
        ('missing_ratio', 'session_id', "startsWith(type, 'session_')", 'session_id is null'),
        ('orphan_ratio', 'event_id', 'true', 'event_id not in (select event_id from events)'),
        ('orphan_ratio', 'gate_id', 'gate_id is not null', 'toString(gate_id) not in (select gate_id from gates)'),
    ]),
    (
        ref('stg_gate_management__gate_minutes'), 'gate_management', 'gate_minutes',
        '(event_id, gate_id, lane, minute_at)',
        [
            ('missing_ratio', 'lane_status', 'true', 'lane_status is null'),
            ('missing_ratio', 'firmware', 'true', 'firmware is null'),
            ('orphan_ratio', 'event_id', 'true', 'event_id not in (select event_id from events)'),
            ('orphan_ratio', 'gate_id', 'true', 'toString(gate_id) not in (select gate_id from gates)'),
        ],
    ),
    (
        ref('stg_integrated_platform__analytics'), 'integrated_platform', 'analytics',
        '(organization_id, event_id, channel, hour_at)',
        [
            ('missing_ratio', 'currency', 'revenue_minor != 0', 'currency is null'),
            ('orphan_ratio', 'event_id', 'true', 'event_id not in (select event_id from events)'),
        ],
    ),
    (ref('stg_integrated_platform__profiles'), 'integrated_platform', 'profiles', 'user_id', [
        ('missing_ratio', 'segment', 'true', 'segment is null'),
    ]),
] %}

with agents as (
    select agent_id from {{ ref('stg_freshservice__agents') }}
),

groups as (
    select group_id from {{ ref('stg_freshservice__groups') }}
),

events as (
    select event_id from {{ ref('stg_event_management__events') }}
),

gates as (
    select toString(gate_id) as gate_id from {{ ref('stg_gate_management__gates') }}
),

counted as (
    {%- for model, source_name, entity, key, checks in checked %}
    select
        '{{ source_name }}' as source,
        [
            ('duplicate_ratio', '{{ entity }}', count(), toUInt64(count() - uniqExact({{ key }})))
            {%- for metric, field, applies, fails in checks %},
            (
                '{{ metric }}',
                '{{ field }}',
                countIf({{ applies }}),
                countIf({{ applies }} and {{ fails }})
            )
            {%- endfor %}
        ] as figures
    from {{ model }}
    where {{ built_since_last_build() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unfolded as (
    select
        toLowCardinality(figure.1) as metric,
        toLowCardinality(source) as source,
        toLowCardinality(figure.2) as field,
        figure.3 as records_count,
        figure.4 as failed_count,
        {{ built_at() }} as _built_at
    from counted
    array join figures as figure
    where records_count > 0
)

select * from unfolded
