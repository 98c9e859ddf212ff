{% macro refuse_event_loss(finer, finer_count, own_count) %}
    {{- refuse_history_loss(
        'event_id',
        '(' ~ whole_events(finer, finer_count, own_count) ~ ')',
        called=finer
    ) }}
{% endmacro %}
