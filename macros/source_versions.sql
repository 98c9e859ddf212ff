{% macro source_versions(history, id) -%}
    {%- set seen_at = "coalesce(read_at, toDateTime64(dbt_valid_from, 3, 'UTC'))" -%}
    select *
    from (
        select
            * except (seen_at, seen_before_at),
            leadInFrame(toNullable(valid_from), 1, null) over (
                partition by {{ id }} order by version_number
                rows between current row and 1 following
            ) as valid_to,
            valid_to is null as is_latest
        from (
            select
                *,
                multiIf(
                    version_number = 1, toDateTime64(0, 3, 'UTC'),
                    updated_at > seen_before_at and updated_at <= seen_at, updated_at,
                    seen_at
                ) as valid_from
            from (
                select
                    * except (read_at, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to),
                    dbt_valid_from as known_at,
                    {{ seen_at }} as seen_at,
                    lagInFrame({{ seen_at }}) over by_time as seen_before_at,
                    row_number() over by_time as version_number
                from {{ history }}
                window by_time as (
                    partition by {{ id }} order by {{ seen_at }}, dbt_valid_from
                    rows between unbounded preceding and current row
                )
            )
        )
    )
    -- Two contents of one reading: only the later one ever held.
    where valid_to is null or valid_from < valid_to
{%- endmacro %}
