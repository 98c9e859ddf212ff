{% macro changed_rows(made) -%}
changed as (
    select *
    from {{ made }}
    {%- if is_incremental() %}
    where {{ row_hash() }} not in (
        select {{ row_hash() }}
        from {{ this }}
        where event_id in (select event_id from touched_events)
    )
    {%- endif %}
)
{%- endmacro %}
