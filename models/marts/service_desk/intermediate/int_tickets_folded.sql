-- One row per ticket: its latest version, how many there were, and whether it is still there.
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

-- The weekly sweep of all tickets, deleted ones and spam too.
sweeps as (
    select *
    from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'tickets' and parent_type = ''
),

shown as (
    select arrayJoin(record_ids) as ticket_id
    from sweeps
),

touched as (
    select ticket_id
    from versions
    where {{ built_since_last_build() }}
    {%- if is_incremental() %}
    union distinct
    select ticket_id
    from {{ this }}
    where
        is_gone = (ticket_id in (select ticket_id from shown))
        and (
            select count()
            from sweeps
            where {{ built_since_last_build() }}
        ) > 0
    {%- endif %}
),

touched_versions as (
    select *
    from versions
    where ticket_id in (select ticket_id from touched)
),

latest as (
    select *
    from touched_versions
    order by updated_at desc
    limit 1 by ticket_id
),

counted as (
    select
        ticket_id,
        toUInt32(count()) as versions_count
    from touched_versions
    group by ticket_id
),

folded as (
    select
        latest.* except (_payload_hash, _built_at),
        counted.versions_count as versions_count,
        latest.status_id in (4, 5) as is_done,
        latest.ticket_id not in (select ticket_id from shown)
        and coalesce(latest.updated_at <= (select max(read_at) from sweeps), false) as is_gone,
        {{ built_at() }} as _built_at
    from latest
    inner join counted on latest.ticket_id = counted.ticket_id
)

select * from folded -- noqa: AM04
