-- One row per source and minute in which records of it landed or were refused: how many, how late.
{{
    config(
        unique_key=['source', 'landed_minute'],
        order_by=['source', 'landed_minute'],
        ttl='landed_minute + interval ' ~ var('detail_months') ~ ' month',
    )
}}

{#- Whole minutes, from that on in which something may have landed since the last build. #}
{%- set first_minute %}
    toStartOfMinute({{ last_build_start() }} - toIntervalSecond({{ var('landing_overlap_seconds') }}))
{%- endset %}
{%- set touched = 'landed_at >= ' ~ first_minute if is_incremental() else 'true' %}

{#- Of each feed: when it happened, when the source had it ready to push, by what it is read on. #}
{%- set dated_feeds = [
    (source('event_management', 'event_data'), 'source_at', 'published_at', none),
    (source('freshservice', 'ticket_events'), 'source_at', 'published_at', none),
    (source('user_app', 'events'), 'source_at', "if(channel = 'websocket', received_at, null)", none),
    (source('gate_management', 'gate_minutes'), 'addMinutes(minute_at, 1)', none, 'reported_at'),
    (source('integrated_platform', 'analytics'), 'updated_at', none, 'updated_at'),
    (source('freshservice', 'tickets'), 'source_at', none, 'source_at'),
] %}

-- Dead letters in a scalar: by a CTE, `create table as` asks for all columns of a table (26.9).
with refusals as (
    select (
        select groupArray((source, landed_minute, refused_count))
        from (
            select
                source,
                toStartOfMinute(landed_at) as landed_minute,
                uniqExact(dead_letter_id) as refused_count
            from {{ source('landing', 'dead_letters') }}
            where
                {{ touched }}
                and status = 'open'
            group by source, landed_minute
        )
    ) as counts
),

refused as (
    select
        refusal.1 as source,
        refusal.2 as landed_minute,
        refusal.3 as refused_count
    from refusals
    array join counts as refusal
),

arrived as (
    {%- for feed, happened_at, ready_at, read_by in dated_feeds %}
    select
        source,
        0 as refused_count,
        toNullable({{ happened_at }}) as happened_at,
        cast({{ ready_at or 'null' }} as Nullable(DateTime64(3, 'UTC'))) as ready_at,
        cast({{ read_by or 'null' }} as Nullable(DateTime64(3, 'UTC'))) as read_by,
        {%- if read_by %}
        max(toNullable({{ read_by }})) over (
            order by toStartOfMinute(landed_at)
            range between unbounded preceding and 60 preceding
        ) as last_read_by,
        {%- else %}
        cast(null as Nullable(DateTime64(3, 'UTC'))) as last_read_by,
        {%- endif %}
        (select min(landed_at) from {{ feed }}) as first_landed_at,
        landed_at
    from {{ feed }}
    where {{ touched }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- for system, table in counted_feeds() %}
    union all
    select
        source,
        0 as refused_count,
        null as happened_at,
        null as ready_at,
        null as read_by,
        null as last_read_by,
        null as first_landed_at,
        landed_at
    from {{ source(system, table) }}
    where {{ touched }}
    {%- endfor %}
    union all
    select
        source,
        refused_count,
        null as happened_at,
        null as ready_at,
        null as read_by,
        null as last_read_by,
        null as first_landed_at,
        landed_minute as landed_at
    from refused
),

{%- if is_incremental() %}

earlier as (
    select
        source,
        max(last_read_by) as last_read_by
    from {{ this }}
    where landed_minute < {{ first_minute }}
    group by source
),
{%- else %}

earlier as (
    select
        '' as source,
        cast(null as Nullable(DateTime64(3, 'UTC'))) as last_read_by
    where false
),
{%- endif %}

-- Windows overlap, and what lands again is no news: that goes beyond all minutes before. What is
-- older than the first landing of its feed is history.
dated as (
    select
        arrived.*,
        coalesce(arrived.happened_at >= arrived.first_landed_at, false)
        and coalesce(arrived.read_by > arrived.last_read_by, true)
        and coalesce(arrived.read_by > earlier.last_read_by, true) as is_news,
        is_news and coalesce(arrived.ready_at >= arrived.first_landed_at, false) as is_pushed,
        greatest(0, dateDiff('millisecond', arrived.happened_at, arrived.landed_at)) as late,
        greatest(0, dateDiff('millisecond', arrived.ready_at, arrived.landed_at)) as latent
    from arrived
    left join earlier
        on arrived.source = earlier.source
),

counted as (
    select
        source,
        countIf(arrivals.refused_count = 0) as records_count,
        sum(arrivals.refused_count) as refused_count,
        countIf(is_news) as news_count,
        countIf(is_pushed) as pushed_count,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(coalesce(late, 0) / 1000, is_news)
            as lateness_seconds_quantiles,
        quantilesDDStateIf(0.01, 0.5, 0.9, 0.95)(coalesce(latent, 0) / 1000, is_pushed)
            as latency_seconds_quantiles,
        max(read_by) as last_read_by,
        toStartOfMinute(landed_at) as landed_minute,
        {{ built_at() }} as _built_at
    from dated as arrivals
    group by source, landed_minute
),

changed as (
    select * from counted
    {%- if is_incremental() %}
    where
        (source, landed_minute, records_count, refused_count) not in (
            select
                source,
                landed_minute,
                records_count,
                refused_count
            from {{ this }}
        )
    {%- endif %}
)

select * from changed
