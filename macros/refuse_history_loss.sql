{% macro refuse_history_loss(key, rebuilt_from, rebuilt_key=none, by_age=false, called=none) %}
    {%- if execute and should_full_refresh() and not var('allow_history_loss') and load_relation(this) %}
        {%- set count_lost %}
            select count()
            from {{ this }}
            {%- if by_age %}
            where coalesce({{ key }} < (select minOrNull({{ rebuilt_key or key }}) from {{ rebuilt_from }}), true)
            {%- else %}
            where ({{ key }}) not in (select {{ rebuilt_key or key }} from {{ rebuilt_from }})
            {%- endif %}
        {%- endset %}
        {%- set lost = run_query(count_lost).rows[0][0] %}
        {%- if lost > 0 %}
            {%- do exceptions.raise_compiler_error(
                "A full refresh of " ~ this ~ " would destroy " ~ lost ~ " rows that " ~ (called or rebuilt_from)
                ~ " can no longer rebuild. Build without --full-refresh, or, to let them go, add"
                ~ " --vars '{allow_history_loss: true}'."
            ) %}
        {%- endif %}
    {%- endif %}
{% endmacro %}
