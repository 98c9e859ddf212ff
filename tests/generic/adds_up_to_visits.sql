-- Fails on every event whose minutes do not add up to its visits, and on every minute in which the number
-- inside is not that of the visits that had begun and not ended. An event of which the visits of a person
-- have been forgotten is left out, as its minutes go on counting them.
{% test adds_up_to_visits(model, visits) %}
    with remembered as (
        select distinct event_id
        from {{ visits }}
        where event_id not in (select event_id from {{ source('landing', 'forgotten_events') }})
    ),

    both as (
        select
            event_id,
            [count(), uniqExact(user_key), count(left_at), sum(is_exit_imputed)] as figures
        from {{ visits }}
        where event_id in (select event_id from remembered)
        group by event_id
        union all
        select
            event_id,
            [sum(visits_count), sum(arrivals_count), sum(exits_count), sum(imputed_exits_count)] as figures
        from {{ model }}
        where event_id in (select event_id from remembered)
        group by event_id
    ),

    inside as (
        select
            minutes.event_id as event_id,
            minutes.date_minute as date_minute,
            any(minutes.inside_count) as inside_count,
            countIf(
                visits.entered_at < minutes.date_minute + 60
                and coalesce(visits.left_at >= minutes.date_minute + 60, true)
            ) as counted
        from {{ model }} as minutes
        inner join {{ visits }} as visits on minutes.event_id = visits.event_id
        -- A few minutes of each event are enough: each is the sum of all before it.
        where
            minutes.event_id in (select event_id from remembered)
            and cityHash64(minutes.event_id, minutes.date_minute) % 50 = 0
        group by event_id, date_minute
    )

    select event_id, toString(groupArray(figures)) as found
    from both
    group by event_id
    having count() != 2 or length(arrayDistinct(groupArray(figures))) != 1
    union all
    select event_id, toString((date_minute, inside_count, counted)) as found
    from inside
    where inside_count != counted
{% endtest %}
