-- One row per group and version that a build saw.
{% snapshot groups_history %}
{{
    config(
        unique_key='group_id',
        check_cols=[
            'calendar_id', 'agent_ids', 'group_name', 'group_description',
        ],
    )
}}

select
    * except (_payload_hash, _built_at),
    {{ as_of() }} as read_at
from {{ ref('stg_freshservice__groups') }}

{% endsnapshot %}
