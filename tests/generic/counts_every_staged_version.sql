-- Fails on every 10 seconds and priority in which the realtime table has fewer tickets than were staged.
-- It may have more: what landed after staging was built, and what a correction took back. A view shows
-- what it fills; the other view that fills it is named so that the test waits for both.
{% test counts_every_staged_version(model, versions, filled_too_by) %}
    with staged as (
        select
            toStartOfInterval(updated_at, interval 10 second) as window_at,
            toUInt8(priority_id) as priority_id,
            uniqExact(ticket_id) as tickets_count
        from {{ versions }}
        where
            _built_at > now() - interval {{ var('detail_months') }} month + interval 1 day
            and updated_at > toDateTime64(0, 3, 'UTC')
        group by window_at, priority_id
    ),

    live as (
        select
            window_at,
            priority_id,
            uniqExactMerge(changed_tickets) as tickets_count
        from {{ model }}
        group by window_at, priority_id
    )

    select staged.*, live.tickets_count as live_count
    from staged
    left join live on staged.window_at = live.window_at and staged.priority_id = live.priority_id
    where coalesce(live.tickets_count, 0) < staged.tickets_count
{% endtest %}
