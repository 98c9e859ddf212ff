{% macro delete_emptied_buckets(column, finer, bucket, finer_count, own_count, facts) -%}
    {%- if is_incremental() -%}
        {%- set touched_events = whole_events(finer, finer_count, own_count, facts) -%}
        delete from {{ this }}
        where
            event_id in ({{ touched_events }})
            and (event_id, gate_id, {{ column }}) not in (
                select event_id, gate_id, {{ bucket }}
                from {{ finer }}
                where event_id in ({{ touched_events }})
            )
    {%- endif -%}
{%- endmacro %}
