{% macro whole_events(finer, finer_count, own_count, facts=()) -%}
    select finer.event_id as event_id
    from (
        select
            event_id,
            {{ finer_count }} as count_of_finer
        from {{ finer }}
        {%- if facts and is_incremental() %}
        where
            event_id in (
                {%- for fact in facts %}
                {{ 'union distinct' if not loop.first }}
                select event_id
                from {{ fact }}
                where {{ built_since_last_build('built_at') }}
                {%- endfor %}
            )
        {%- endif %}
        group by event_id
    ) as finer
    {%- if (facts and is_incremental()) or (not facts and load_relation(this)) %}
    left join (
        select
            event_id,
            sum({{ own_count }}) as count_of_own
        from {{ this }}
        group by event_id
    ) as own
        on finer.event_id = own.event_id
    where finer.count_of_finer >= coalesce(own.count_of_own, 0)
    {%- endif %}
{%- endmacro %}
