-- Fails on every bucket and measure in which a rollup of tickets differs from the fact. The expected
-- figures come straight from the fact, one query per measure, by none of the rollups' own steps.
{% test adds_up_to_tickets(model, fact, column, bucket) %}
    {%- set measures = [
        ('created_count', 'created_at', 'count()', 'sum(created_count)'),
        ('first_responded_count', 'first_responded_at', 'count()', 'sum(first_responded_count)'),
        ('first_response_timed_count', 'first_responded_at', 'count(first_response_seconds)', 'sum(first_response_timed_count)'),
        ('first_response_total_seconds', 'first_responded_at', 'sum(coalesce(first_response_seconds, 0))', 'sum(first_response_total_seconds)'),
        ('first_response_business_timed_count', 'first_responded_at', 'count(first_response_business_seconds)', 'sum(first_response_business_timed_count)'),
        ('first_response_business_total_seconds', 'first_responded_at', 'sum(coalesce(first_response_business_seconds, 0))', 'sum(first_response_business_total_seconds)'),
        ('resolved_count', 'resolved_at', 'count()', 'sum(resolved_count)'),
        ('resolution_timed_count', 'resolved_at', 'count(resolution_seconds)', 'sum(resolution_timed_count)'),
        ('resolution_total_seconds', 'resolved_at', 'sum(coalesce(resolution_seconds, 0))', 'sum(resolution_total_seconds)'),
        ('closed_count', 'closed_at', 'count()', 'sum(closed_count)'),
        ('first_response_seconds_quantiles', 'first_responded_at', 'quantilesDD(0.01, 0.5, 0.9, 0.95)(first_response_seconds)', 'quantilesDDMerge(0.01, 0.5, 0.9, 0.95)(first_response_seconds_quantiles)'),
        ('resolution_seconds_quantiles', 'resolved_at', 'quantilesDD(0.01, 0.5, 0.9, 0.95)(resolution_seconds)', 'quantilesDDMerge(0.01, 0.5, 0.9, 0.95)(resolution_seconds_quantiles)'),
    ] %}
    with expected as (
        {%- for measure, instant, of_fact, of_rollup in measures %}
        select
            {{ bucket }}(assumeNotNull({{ instant }})) as bucket,
            group_id,
            priority_id,
            '{{ measure }}' as measure,
            toString({{ of_fact }}) as figure
        from {{ fact }}
        where
            excluded_reason is null
            and {{ instant }} is not null
            and {{ bucket }}(assumeNotNull({{ instant }})) >= {{ rollup_horizon() }}
        group by bucket, group_id, priority_id
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    found as (
        {%- for measure, instant, of_fact, of_rollup in measures %}
        select
            {{ column }} as bucket,
            group_id,
            priority_id,
            '{{ measure }}' as measure,
            toString({{ of_rollup }}) as figure
        from {{ model }}
        where {{ column }} >= {{ rollup_horizon() }}
        group by bucket, group_id, priority_id
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ),

    -- What happened to nobody in a bucket stands as 0, or as no quantile, in one and is absent in the other.
    happened as (
        select *, 1 as of_fact from expected where figure not in ('0', '[]', '[nan,nan,nan]')
        union all
        select *, 0 as of_fact from found where figure not in ('0', '[]', '[nan,nan,nan]')
    )

    select
        bucket,
        group_id,
        priority_id,
        measure,
        groupArrayIf(figure, of_fact = 1) as figure_of_fact,
        groupArrayIf(figure, of_fact = 0) as figure_of_rollup
    from happened
    group by bucket, group_id, priority_id, measure
    having figure_of_fact != figure_of_rollup
{% endtest %}
