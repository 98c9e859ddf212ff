-- Two stretches of one calendar that overlap would count their common seconds twice.
with neighbours as (
    select
        calendar_id,
        ends_at,
        leadInFrame(starts_at, 1, ends_at) over (
            partition by calendar_id
            order by starts_at
            rows between current row and 1 following
        ) as next_starts_at
    from {{ ref('int_business_intervals') }}
)

select *
from neighbours
where next_starts_at < ends_at
