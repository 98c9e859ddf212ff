{% macro delete_touched_buckets(column, bucket, finer=none, finer_column=none) -%}
    {%- if is_incremental() -%}
        delete from {{ on_shards(this) }}
        where
            {{ column }} in ({{ touched_buckets(bucket, finer, finer_column) }})
            and {{ column }} >= {{ rollup_horizon() }}
    {%- endif -%}
{%- endmacro %}
