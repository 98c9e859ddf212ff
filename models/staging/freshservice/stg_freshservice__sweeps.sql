-- One row per list that was read to its end, by its latest reading: the ids that it then showed.
{{
    config(
        unique_key=['feed', 'parent_type', 'parent_id'],
        order_by=['feed', 'parent_type', 'parent_id'],
        pre_hook="{{ refuse_history_loss('(feed, parent_type, parent_id)', source('freshservice', 'sweeps')) }}",
    )
}}

with sweeps as (
    select *
    from {{ source('freshservice', 'sweeps') }}
    where {{ landed_since_last_build() }}
),

latest as (
    select
        feed,
        parent_type,
        parent_id,
        record_ids,
        parent_at,
        read_at
    from sweeps
    order by read_at desc, landed_at desc
    limit 1 by feed, parent_type, parent_id
),

{%- if is_incremental() %}

staged as (
    select *
    from {{ this }}
    where
        (feed, parent_type, parent_id) in (
            select
                feed,
                parent_type,
                parent_id
            from sweeps
        )
),

read_since as (
    select latest.*
    from latest
    left join staged
        on
            latest.feed = staged.feed
            and latest.parent_type = staged.parent_type
            and latest.parent_id = staged.parent_id
    where staged.read_at is null or latest.read_at > staged.read_at
),
{%- else %}

read_since as (
    select * from latest
),
{%- endif %}

stamped as (
    select
        toLowCardinality(feed) as feed,
        toLowCardinality(parent_type) as parent_type,
        parent_id,
        record_ids,
        parent_at,
        read_at,
        {{ built_at() }} as _built_at
    from read_since
)

select * from stamped
