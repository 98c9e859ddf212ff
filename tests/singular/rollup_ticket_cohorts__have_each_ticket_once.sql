-- Each ticket that counts is in one bucket of the cohort created and, once resolved, of the other.
with expected as (
    select
        count() as created,
        count(first_resolved_at) as resolved
    from {{ ref('fct_tickets') }}
    where excluded_reason is null
),

found as (
    {%- for grain in ('daily', 'monthly') %}
    select
        '{{ grain }}' as grain,
        sumIf(tickets_count, cohort = 'created') as created,
        sumIf(tickets_count, cohort = 'resolved') as resolved
    from {{ ref('rollup_ticket_cohorts_' ~ grain) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    found.*,
    expected.created as expected_created,
    expected.resolved as expected_resolved
from found
cross join expected
where found.created != expected.created or found.resolved != expected.resolved
