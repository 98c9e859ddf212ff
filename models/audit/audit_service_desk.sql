-- One row per step of the desk's records from one layer to the next, and UTC day that was compared.

{%- set staged_tickets = ref('stg_freshservice__tickets') %}
{%- set tickets = ref('fct_tickets') %}
{#- Feed, what names a record in raw and in staging, and whether staging keeps its versions. #}
{%- set child = 'parent_type, parent_id, ' %}
{%- set feeds = [
    ('conversations', 'parent_id, record_id', 'ticket_id, conversation_id', false),
    ('time_entries', child ~ 'record_id', child ~ 'time_entry_id', false),
    ('tasks', child ~ 'record_id', child ~ 'task_id', false),
    ('csat_responses', child ~ 'record_id', child ~ 'csat_response_id', true),
    ('requested_items', child ~ 'record_id', child ~ 'requested_item_id', false),
    ('problems', 'record_id', 'problem_id', true),
    ('changes', 'record_id', 'change_id', false),
    ('releases', 'record_id', 'release_id', false),
    ('assets', 'record_id', 'asset_id', true),
    ('contracts', 'record_id', 'contract_id', false),
    ('purchase_orders', 'record_id', 'purchase_order_id', false),
    ('requesters', 'record_id', 'requester_id', false),
    ('agents', 'record_id', 'agent_id', false),
    ('groups', 'record_id', 'group_id', false),
] %}
{%- set milestones -%}
    [
        ('created', toNullable(created_at)),
        ('first_responded', first_responded_at),
        ('resolved', resolved_at),
        ('closed', closed_at)
    ]
{%- endset %}
{%- set counts -%}
    [
        ('created', created_count),
        ('first_responded', first_responded_count),
        ('resolved', resolved_count),
        ('closed', closed_count)
    ]
{%- endset %}
{%- set rollups = [
    (ref('rollup_tickets_hourly'), 'date_hour', 'toStartOfHour'),
    (ref('rollup_tickets_daily'), 'date_day', 'toDate'),
    (ref('rollup_tickets_weekly'), 'date_week', 'toMonday'),
    (ref('rollup_tickets_monthly'), 'date_month', 'toStartOfMonth'),
] %}

with lanes as (
    select
        record_id,
        coalesce(source_at, toDateTime64(0, 3, 'UTC')) as version_at,
        landed_at
    from {{ source('freshservice', 'tickets') }}
    union all
    select
        record_id,
        source_at as version_at,
        landed_at
    from {{ source('freshservice', 'ticket_events') }}
),

milestones as (
    select
        group_id,
        priority_id,
        moment.1 as milestone,
        assumeNotNull(moment.2) as reached_at,
        built_at
    from {{ tickets }}
    array join {{ milestones }} as moment
    where excluded_reason is null and moment.2 is not null
),

steps as (
    {{ audit_step(
        'freshservice', 'raw_to_staging',
        above={
            'of': source('freshservice', 'tickets'),
            'rows': 'lanes',
            'by': 'record_id, version_at',
            'day': 'version_at',
            'key': 'record_id, version_at',
            'stamp': 'max(landed_at)',
        },
        below={'of': staged_tickets, 'day': 'updated_at', 'key': 'ticket_id, updated_at'},
    ) }}
    {%- for feed, landed_key, staged_key, keeps_versions in feeds %}
    union all
    {{ audit_step(
        'freshservice', 'raw_to_staging',
        above={
            'of': source('freshservice', feed),
            'where': 'source_at is not null',
            'by': landed_key ~ (', source_at' if keeps_versions else ''),
            'day': 'max(assumeNotNull(source_at))',
            'key': landed_key ~ ', max(assumeNotNull(source_at))',
            'stamp': 'max(landed_at)',
        },
        below={
            'of': ref('stg_freshservice__' ~ feed),
            'day': 'updated_at',
            'key': staged_key ~ ', updated_at',
        },
    ) }}
    {%- endfor %}
    union all
    {{ audit_step(
        'freshservice', 'staging_to_facts', is_kept_whole=true,
        above={
            'of': staged_tickets,
            'by': 'ticket_id',
            'day': 'max(updated_at)',
            'key': 'ticket_id, count(), max(updated_at)',
            'records': 'count()',
            'stamp': 'max(_built_at)',
        },
        below={
            'of': tickets,
            'day': 'updated_at',
            'key': 'ticket_id, toUInt64(versions_count), updated_at',
            'records': 'versions_count',
        },
    ) }}
    {%- for rollup, column, bucket in rollups %}
    union all
    {{ audit_step(
        'freshservice', 'facts_to_rollups', is_kept_whole=true,
        above={
            'of': tickets,
            'rows': 'milestones',
            'where': bucket ~ '(reached_at) >= ' ~ rollup_horizon(),
            'by': 'milestone, group_id, priority_id, ' ~ bucket ~ '(reached_at)',
            'day': bucket ~ '(reached_at)',
            'key': 'milestone, group_id, priority_id, ' ~ bucket ~ '(reached_at), count()',
            'records': 'count()',
            'stamp': 'max(built_at)',
        },
        below={
            'of': rollup,
            'rows': rollup ~ ' array join ' ~ counts ~ ' as moment',
            'where': 'moment.2 > 0 and ' ~ column ~ ' >= ' ~ rollup_horizon(),
            'day': column,
            'key': 'moment.1, group_id, priority_id, ' ~ column ~ ', moment.2',
            'records': 'moment.2',
        },
    ) }}
    {%- endfor %}
)

select * from steps
