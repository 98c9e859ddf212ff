-- One row per day and group: the tickets that were open when the day ended, and what came and went.
{{ config(order_by=['date_day', 'group_id']) }}

{%- set zone = var('backlog_time_zone') %}
{%- set ages = [
    ('under_1', 0, 1), ('1_to_3', 1, 3), ('3_to_7', 3, 7), ('7_to_30', 7, 30), ('over_30', 30, 36500)
] %}
{%- set flows = [
    'created', 'reopened', 'restored', 'moved_in', 'resolved', 'removed', 'moved_out'
] %}

with tickets as (
    select * from {{ ref('int_tickets_backlogged') }}
),

-- A day counts once it has ended. What came before the first one is where that one opens.
bounds as (
    select
        toDate({{ as_of() }}, '{{ zone }}') - 1 as last_day,
        toDate(last_day - interval {{ var('rollup_years') }} year) as first_day
),

spells as (
    select
        spell.1 as group_id,
        if(spell.4 = 'moved', 'moved_in', toString(spell.4)) as entered_by,
        if(spell.5 = 'moved', 'moved_out', toString(spell.5)) as left_by,
        spell.6 as entered_at,
        spell.7 as left_at,
        created_at
    from tickets
    array join spells as spell
),

flows as (
    select
        group_id,
        step.1 as measure,
        1 as change,
        assumeNotNull(step.2) as step_at
    from spells
    array join [(entered_by, toNullable(entered_at)), (left_by, left_at)] as step
    where step.2 is not null
),

-- The part of each spell in which the ticket was of each age.
aged as (
    select
        group_id,
        age.1 as measure,
        created_at + toIntervalDay(age.3) as outgrown_at,
        greatest(entered_at, created_at + toIntervalDay(age.2)) as entered_age_at,
        least(coalesce(left_at, outgrown_at), outgrown_at) as left_age_at
    from spells
    array join {{ ages }} as age
    where entered_age_at < left_age_at
),

steps as (
    select * from flows
    union all
    select
        group_id,
        measure,
        step.1 as change,
        step.2 as step_at
    from aged
    array join [(1, entered_age_at), (-1, left_age_at)] as step
),

summed as (
    select
        group_id,
        measure,
        sum(change) as change,
        toDate(step_at, '{{ zone }}') as step_day
    from steps
    group by group_id, measure, step_day
),

dated as (
    select
        summed.group_id as group_id,
        summed.measure as measure,
        summed.change as change,
        greatest(summed.step_day, bounds.first_day - 1) as date_day
    from summed
    cross join bounds
    where date_day <= bounds.last_day
),

changes as (
    select
        group_id,
        {%- for flow in flows %}
        toUInt64(sumIf(change, measure = '{{ flow }}')) as {{ flow }}_count,
        {%- endfor %}
        {%- for age, _, _ in ages %}
        sumIf(change, measure = '{{ age }}') as aged_{{ age }},
        {%- endfor %}
        toInt64(created_count + reopened_count + restored_count + moved_in_count) as came_count,
        toInt64(resolved_count + removed_count + moved_out_count) as went_count,
        date_day
    from dated
    group by group_id, date_day
),

-- Every day of a group from its first ticket on, whether anything happened on it or not.
first_days as (
    select
        group_id,
        toDate(min(entered_at), '{{ zone }}') as entered_day
    from spells
    group by group_id
),

days as (
    select
        first_days.group_id as group_id,
        arrayJoin(
            arrayMap(
                day -> toDate(day),
                range(
                    toUInt32(greatest(first_days.entered_day, bounds.first_day - 1)),
                    toUInt32(bounds.last_day) + 1
                )
            )
        ) as date_day
    from first_days
    cross join bounds
),

filled as (
    select
        days.group_id as group_id,
        {%- for flow in flows %}
        coalesce(changes.{{ flow }}_count, 0) as {{ flow }}_count,
        {%- endfor %}
        {%- for age, _, _ in ages %}
        toInt64(sum(coalesce(changes.aged_{{ age }}, 0)) over by_day)
            as open_{{ age }}_days_count,
        {%- endfor %}
        coalesce(changes.came_count, 0) - coalesce(changes.went_count, 0) as gained_count,
        toInt64(sum(gained_count) over by_day) as closing_count,
        days.date_day as date_day
    from days
    left join changes on days.group_id = changes.group_id and days.date_day = changes.date_day
    window by_day as (
        partition by days.group_id order by days.date_day
        rows between unbounded preceding and current row
    )
),

balanced as (
    select
        filled.group_id as group_id,
        filled.closing_count - filled.gained_count as opening_count,
        {%- for flow in flows %}
        filled.{{ flow }}_count as {{ flow }}_count,
        {%- endfor %}
        filled.closing_count as closing_count,
        {%- for age, _, _ in ages %}
        filled.open_{{ age }}_days_count as open_{{ age }}_days_count,
        {%- endfor %}
        filled.date_day as date_day
    from filled
    cross join bounds
    where filled.date_day >= bounds.first_day
)

select * from balanced
