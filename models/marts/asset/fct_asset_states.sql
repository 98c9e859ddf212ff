-- One row per asset and unbroken stretch of one state. Before the first version that was seen the
-- state is Unknown: it stands on neither side of a ratio.
{{ config(order_by=['asset_id', 'starts_at']) }}

with versions as (
    select * from {{ ref('dim_asset_versions') }}
),

sightings as (
    select * from {{ ref('stg_freshservice__assets') }}
),

asset_sweeps as (
    select * from {{ ref('stg_freshservice__sweeps') }}
    where feed = 'assets'
),

states as (
    select * from {{ ref('asset_states') }}
),

-- What the list shows no more, nobody knows since when: it counts until it was last seen to change.
gone as (
    select
        asset_id,
        argMax(asset_display_id, updated_at) as asset_display_id,
        argMax(asset_type_id, updated_at) as asset_type_id,
        'Gone' as asset_state,
        max(updated_at) as starts_at
    from sightings
    group by asset_id
    having
        not argMax(is_trashed, updated_at)
        and asset_id not in (select arrayJoin(record_ids) from asset_sweeps)
        and (select count() from asset_sweeps) > 0
),

stated as (
    select
        asset_id,
        asset_display_id,
        asset_type_id,
        stretch.1 as asset_state,
        stretch.2 as starts_at
    from versions
    array join
        arrayFilter(
            part -> part.1 != '',
            [
                (if(is_first_seen and valid_from < seen_from, 'Unknown', ''), valid_from),
                (
                    if(is_trashed, 'Trashed', coalesce(versions.asset_state, 'Unknown')),
                    seen_from
                )
            ]
        ) as stretch
    union all
    select * from gone
),

compared as (
    select
        *,
        lagInFrame(asset_state) over (
            partition by asset_id
            order by starts_at, asset_state = 'Gone'
            rows between unbounded preceding and current row
        ) as previous_state
    from stated
),

numbered as (
    select
        *,
        row_number() over by_asset as state_number,
        leadInFrame(toNullable(starts_at)) over by_asset as ends_at
    from compared
    where asset_state != previous_state
    window by_asset as (
        partition by asset_id
        order by starts_at, asset_state = 'Gone'
        rows between unbounded preceding and unbounded following
    )
),

described as (
    select
        numbered.asset_id as asset_id,
        numbered.asset_display_id as asset_display_id,
        numbered.asset_type_id as asset_type_id,
        toLowCardinality(numbered.asset_state) as asset_state,
        toUInt16(numbered.state_number) as state_number,
        toInt64(
            greatest(
                0, age('second', numbered.starts_at, coalesce(numbered.ends_at, {{ as_of() }}))
            )
        ) as state_seconds,
        toBool(coalesce(states.is_in_use, false)) as is_in_use,
        -- A state that the seed does not know is at least not retired.
        toBool(coalesce(states.is_in_fleet, true)) as is_in_fleet,
        toBool(coalesce(states.is_disposed, false)) as is_disposed,
        toBool(numbered.ends_at is null) as is_current,
        numbered.starts_at as starts_at,
        numbered.ends_at as ends_at
    from numbered
    left join states on numbered.asset_state = states.asset_state
)

select * from described
