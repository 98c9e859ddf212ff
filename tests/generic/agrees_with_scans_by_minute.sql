-- Fails on every gate and minute in which realtime counts others than the fact. Only minutes without
-- news since staging was built are compared, and none that a clock which could not be believed may have
-- moved a scan into or out of.
{% test agrees_with_scans_by_minute(model, scans) %}
    with live as (
        select
            event_id,
            gate_id as gate,
            date_minute,
            [uniqExactMerge(entries), uniqExactMerge(exits), uniqExactMerge(rejects)] as figures
        from {{ model }}
        group by event_id, gate, date_minute
        having
            max(landed_at) < (
                select max(started_at)
                from {{ model_builds() }}
                where model = 'stg_user_app__events' and finished_at is not null
            )
    ),

    fact as (
        select
            event_id,
            toString(gate_id) as gate,
            toStartOfMinute(scanned_at) as date_minute,
            [
                countIf(is_admitted and direction = 'in'),
                countIf(is_admitted and direction = 'out'),
                countIf(not is_admitted)
            ] as figures
        from {{ scans }}
        group by event_id, gate, date_minute
    ),

    doubted as (
        select distinct event_id, toString(gate_id) as gate
        from {{ scans }}
        where occurred_at_rule != 'client'
    )

    select
        live.*,
        fact.figures as fact_figures
    from live
    left join fact
        on
            live.event_id = fact.event_id
            and live.gate = fact.gate
            and live.date_minute = fact.date_minute
    where
        live.figures != fact.figures
        and (live.event_id, live.gate) not in (select event_id, gate from doubted)
{% endtest %}
