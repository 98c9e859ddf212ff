-- One row per requester and version that a build saw.
{% snapshot requesters_history %}
{{
    config(
        unique_key='requester_id',
        check_cols=[
            'email_pseudonym', 'job_title', 'location_name', 'language', 'rails_time_zone',
            'department_ids', 'is_active', 'is_vip', 'is_agent',
        ],
    )
}}

select
    * except (_payload_hash, _built_at),
    {{ as_of() }} as read_at
from {{ ref('stg_freshservice__requesters') }}

{% endsnapshot %}
