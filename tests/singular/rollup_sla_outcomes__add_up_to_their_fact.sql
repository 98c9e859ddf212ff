with expected as (
    select
        outcome,
        count() as tally
    from {{ ref('fct_sla_outcomes') }}
    where outcome not in ('running', 'excluded')
    group by outcome
),

found as (
    {%- for grain in ('daily', 'monthly') %}
    {%- for outcome in ('met', 'breached', 'running_breached') %}
    select
        '{{ grain }}' as grain,
        '{{ outcome }}' as outcome,
        sum({{ outcome }}_count) as tally
    from {{ ref('rollup_sla_outcomes_' ~ grain) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    found.*,
    expected.tally as expected_tally
from found
left join expected on found.outcome = expected.outcome
where found.tally != coalesce(expected.tally, 0)
