{% macro counted_feeds() -%}
    {%- set feeds = [('gate_management', 'gates'), ('integrated_platform', 'profiles')] -%}
    {%- for table in [
        'requesters', 'agents', 'groups', 'business_hours', 'sla_policies', 'departments', 'locations',
        'problems', 'changes', 'releases', 'assets', 'asset_types', 'products', 'vendors', 'contracts',
        'purchase_orders', 'applications', 'ticket_views', 'activities', 'conversations', 'time_entries',
        'tasks', 'csat_responses', 'requested_items', 'application_users', 'application_installations',
        'application_licenses',
    ] -%}
        {%- do feeds.append(('freshservice', table)) -%}
    {%- endfor -%}
    {{- return(feeds) -}}
{%- endmacro %}
