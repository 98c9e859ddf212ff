-- One row per ticket: its latest version, and what all its versions tell together.
{{
    config(
        unique_key='ticket_id',
        order_by='ticket_id',
        materialized='incremental',
    )
}}

with versions as (
    select * from {{ ref('stg_freshservice__tickets') }}
),

touched_tickets as (
    select distinct ticket_id
    from versions
    where {{ built_since_last_build() }}
),

touched_versions as (
    select *
    from versions
    where ticket_id in (select ticket_id from touched_tickets)
),

latest as (
    select *
    from touched_versions
    order by updated_at desc
    limit 1 by ticket_id
),

histories as (
    select
        ticket_id,
        count() as versions_count,
        -- 4 is Resolved and 5 is Closed: the two that the product itself defines as done.
        arraySort(
            groupArray(
                (
                    updated_at,
                    coalesce(status_updated_at, updated_at),
                    status_id in (4, 5),
                    status_id = 5
                )
            )
        ) as history
    from touched_versions
    group by ticket_id
),

spells as (
    select
        ticket_id,
        toUInt32(versions_count) as versions_count,
        toUInt32(
            arrayCount(
                (before, after) -> before.3 and not after.3,
                arrayPopBack(history),
                arrayPopFront(history)
            )
        ) as reopens_count,
        history[arrayLastIndex(version -> not version.3, history) + 1].2 as done_since,
        history[arrayLastIndex(version -> not version.4, history) + 1].2 as closed_since
    from histories
),

folded as (
    select
        latest.* except (resolved_at, closed_at, _payload_hash, _built_at),
        spells.versions_count as versions_count,
        spells.reopens_count as reopens_count,
        latest.status_id in (4, 5) as is_done,
        is_done and latest.resolved_at is null as is_resolved_at_imputed,
        latest.status_id = 5 and latest.closed_at is null as is_closed_at_imputed,
        if(is_done, coalesce(latest.resolved_at, spells.done_since), null) as resolved_at,
        if(latest.status_id = 5, coalesce(latest.closed_at, spells.closed_since), null)
            as closed_at,
        {{ built_at() }} as _built_at
    from latest
    inner join spells on latest.ticket_id = spells.ticket_id
)

select * from folded -- noqa: AM04
