{% macro whole_events(finer, finer_count, own_count, facts=()) -%}
    {%- set newly_built -%}
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
    {%- endset -%}
    {#- As an array it is worked out once; a CTE is worked out wherever it is named. -#}
    select arrayJoin((select groupUniqArray(event_id) from (
        select finer.event_id as event_id
        from (
            select
                event_id,
                {{ finer_count }} as count_of_finer
            from {{ finer }}
            {{- newly_built }}
            group by event_id
        ) as finer
        {%- if (facts and is_incremental()) or (not facts and load_relation(this)) %}
        left join (
            select
                event_id,
                sum({{ own_count }}) as count_of_own
            from {{ this }}
            {{- newly_built }}
            group by event_id
        ) as own
            on finer.event_id = own.event_id
        where finer.count_of_finer >= coalesce(own.count_of_own, 0)
        {%- endif %}
    ))) as event_id
{%- endmacro %}
