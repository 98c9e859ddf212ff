-- One row per SLA policy and version that a build saw.
{% snapshot sla_policies_history %}
{{
    config(
        unique_key='sla_policy_id',
        check_cols=[
            'sla_policy_name', 'applies_to_json', 'target_priority_ids', 'target_response_seconds',
            'target_resolution_seconds', 'target_is_business_time', 'target_next_response_seconds',
            'position', 'is_default', 'is_active', 'is_deleted',
        ],
    )
}}

select
    * except (_payload_hash, _built_at),
    {{ as_of() }} as read_at
from {{ ref('stg_freshservice__sla_policies') }}

{% endsnapshot %}
