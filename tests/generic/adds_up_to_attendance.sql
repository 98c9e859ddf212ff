-- Fails on every bucket and gate in which a rollup of attendance differs from the facts. What is expected
-- comes straight from them, by none of the rollups' own steps. An event of which the facts have lost
-- scans to their TTL is left out.
{% test adds_up_to_attendance(model, scans, visits, users, column, bucket) %}
    with whole as (
        select counted.event_id as event_id
        from (select event_id, count() as scans_count from {{ scans }} group by event_id) as counted
        inner join (select event_id, sum(scans_count) as scans_count from {{ model }} group by event_id) as rolled
            on counted.event_id = rolled.event_id
        where counted.scans_count >= rolled.scans_count
        union distinct
        select event_id from {{ scans }} where event_id not in (select event_id from {{ model }})
    ),

    of_scans as (
        select
            event_id,
            toString(gate_id) as gate,
            {{ bucket }}(scanned_at) as bucket,
            [
                count(),
                sum(is_admitted and direction = 'in'),
                sum(is_admitted and direction = 'out'),
                sum(not is_admitted),
                sum(not is_admitted and result = 'duplicate'),
                sum(not is_admitted and result = 'invalid'),
                sum(not is_admitted and result = 'wrong_gate'),
                sum(not is_admitted and result = 'revoked'),
                sum(is_override),
                sum(is_offline)
            ] as figures
        from {{ scans }}
        where event_id in (select event_id from whole)
        group by event_id, gate, bucket
    ),

    of_visits as (
        select
            event_id,
            toString(entry_gate_id) as gate,
            {{ bucket }}(entered_at) as bucket,
            [
                count(),
                sum(is_walk_up),
                count(dwell_seconds),
                sum(is_exit_imputed),
                sum(coalesce(dwell_seconds, 0)),
                sum(if(is_exit_imputed, coalesce(dwell_seconds, 0), 0)),
                uniqExact(user_key)
            ] as figures,
            toString(quantilesDD(0.01, 0.5, 0.9, 0.95)(dwell_seconds)) as quantiles
        from {{ visits }}
        where event_id in (select event_id from whole)
        group by event_id, gate, bucket
    ),

    expected as (
        select
            of_scans.event_id as event_id,
            of_scans.gate as gate,
            of_scans.bucket as bucket,
            toString(of_scans.figures) as scan_figures,
            toString(if(empty(of_visits.figures), [0, 0, 0, 0, 0, 0, 0], of_visits.figures)) as visit_figures,
            if(coalesce(of_visits.quantiles, '[]') = '[]', '[nan,nan,nan]', of_visits.quantiles) as quantiles
        from of_scans
        left join of_visits
            on
                of_scans.event_id = of_visits.event_id
                and of_scans.gate = of_visits.gate
                and of_scans.bucket = of_visits.bucket
    ),

    found as (
        select
            event_id,
            toString(gate_id) as gate,
            {{ column }} as bucket,
            toString([
                sum(scans_count), sum(entries_count), sum(exits_count), sum(rejects_count),
                sum(duplicate_rejects_count), sum(invalid_rejects_count),
                sum(wrong_gate_rejects_count), sum(revoked_rejects_count), sum(overrides_count),
                sum(offline_count)
            ]) as scan_figures,
            toString([
                sum(visits_count), sum(walk_up_visits_count), sum(timed_visits_count),
                sum(imputed_exits_count), sum(dwell_total_seconds),
                sum(imputed_dwell_total_seconds), groupBitmapMerge(visitors)
            ]) as visit_figures,
            toString(quantilesDDMerge(0.01, 0.5, 0.9, 0.95)(dwell_seconds_quantiles)) as quantiles
        from {{ model }}
        where event_id in (select event_id from whole)
        group by event_id, gate, bucket
    )

    select
        event_id,
        gate,
        bucket,
        groupArray((scan_figures, visit_figures, quantiles)) as figures
    from (
        select * from expected
        union all
        select * from found
    )
    group by event_id, gate, bucket
    having count() != 2 or length(arrayDistinct(figures)) != 1
{% endtest %}
