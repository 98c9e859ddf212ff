-- Fails on every event in which people stand elsewhere in realtime than by the fact. Only whoever has no
-- news since staging was built is compared, and nobody whose clock could not be believed: copies of a
-- message that were received at different times are one in the fact.
{% test agrees_with_scans(model, scans) %}
    with compared as (
        select
            live.event_id as event_id,
            live.user_key as user_key,
            live.last_direction as live_direction,
            fact.last_direction as fact_direction
        from (
            select event_id, user_key, argMaxMerge(last_direction) as last_direction
            from {{ model }}
            group by event_id, user_key
            having max(landed_at) < (
                select max(started_at)
                from {{ model_builds() }}
                where model = 'stg_user_app__events' and finished_at is not null
            )
        ) as live
        left join (
            select
                event_id,
                user_key,
                argMaxIf(direction, (scanned_at, received_at, seq, message_id), is_admitted) as last_direction,
                max(occurred_at_rule != 'client') as is_doubted
            from {{ scans }}
            group by event_id, user_key
        ) as fact
            on live.event_id = fact.event_id and live.user_key = fact.user_key
        where not coalesce(fact.is_doubted, false)
    )

    select *
    from compared
    where coalesce(live_direction != fact_direction, true)
{% endtest %}
