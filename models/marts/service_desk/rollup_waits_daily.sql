-- One row per day, group, priority, kind of wait and bucket: tickets whose wait ended on that day.
{{ config(order_by=['date_day', 'wait', 'group_id', 'priority_id', 'bucket_number']) }}

with tickets as (
    select * from {{ ref('fct_tickets') }}
    where excluded_reason is null
),

buckets as (
    select arraySort(groupArray((bucket_number, bucket, from_seconds))) as all_buckets
    from {{ ref('wait_buckets') }}
),

waits as (
    select
        group_id,
        priority_id,
        part.1 as wait,
        assumeNotNull(part.2) as wait_seconds,
        toDate(assumeNotNull(part.3)) as date_day
    from tickets
    array join
        [
            ('first_response', first_response_seconds, first_responded_at),
            ('first_response_business', first_response_business_seconds, first_responded_at),
            ('resolution', full_resolution_seconds, resolved_at),
            ('resolution_business', full_resolution_business_seconds, resolved_at),
            ('resolution_net_business', net_resolution_business_seconds, resolved_at)
        ] as part
    where part.2 is not null and part.3 is not null
),

bucketed as (
    select
        waits.*,
        arrayLast(bucket -> bucket.3 <= waits.wait_seconds, buckets.all_buckets) as found
    from waits
    cross join buckets
),

counted as (
    select
        group_id,
        priority_id,
        toLowCardinality(wait) as wait,
        found.1 as bucket_number,
        toLowCardinality(found.2) as bucket,
        count() as tickets_count,
        toInt64(sum(wait_seconds)) as total_seconds,
        date_day
    from bucketed
    group by date_day, wait, group_id, priority_id, bucket_number, bucket
)

select * from counted
