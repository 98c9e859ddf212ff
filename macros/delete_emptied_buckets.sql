{% macro delete_emptied_buckets(column, finer, bucket, finer_count, own_count, facts) -%}
    {%- if is_incremental() -%}
        {%- set touched_events = whole_events(finer, finer_count, own_count, facts) -%}
        {%- set emptied -%}
            event_id in ({{ touched_events }})
            and (event_id, gate_id, {{ column }}) not in (
                select event_id, gate_id, {{ bucket }}
                from {{ finer }}
                where event_id in ({{ touched_events }})
            )
        {%- endset -%}
        {#- A delete goes through every part even where it finds nothing, so look first. -#}
        {%- if run_query("select count() from " ~ this ~ " where " ~ emptied).rows[0][0] > 0 -%}
            delete from {{ on_shards(this) }} where {{ emptied }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
