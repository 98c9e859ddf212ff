-- One row per agent and version that a build saw.
{% snapshot agents_history %}
{{
    config(
        unique_key='agent_id',
        check_cols=[
            'full_name_pseudonym', 'email_pseudonym', 'job_title', 'group_ids', 'language',
            'rails_time_zone', 'is_active', 'is_occasional',
        ],
    )
}}

select
    * except (_payload_hash, _built_at),
    {{ as_of() }} as read_at
from {{ ref('stg_freshservice__agents') }}

{% endsnapshot %}
