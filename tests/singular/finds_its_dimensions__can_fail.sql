-- Two facts, one of them without its dimension: the query behind finds_its_dimensions must say one.
{%- set facts = "(select 1 as ticket_id, 7 as agent_id union all select 2, 8)" %}
{%- set agents = "(select 7 as agent_id)" %}

with found as (
    {{
        rows_without_a_dimension(
            facts, [{'column': 'agent_id', 'to': agents, 'field': 'agent_id'}]
        )
    }}
)

select sum(missing_agent_id) as missing
from found
having missing != 1
