"""The small lists: people, groups, departments, locations, business hours and SLA policies."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from sandbox.freshservice.account import ACCOUNT
from sandbox.freshservice.directory_payload import (
    agent_as_requester_payload,
    agent_payload,
    business_hours_payload,
    group_payload,
    requester_payload,
    sla_policy_payload,
)
from sandbox.freshservice.errors import InvalidError, answer
from sandbox.freshservice.paging import page_of
from sandbox.freshservice.places_payload import department_payload, location_payload
from sandbox.world.desk.places import LOCATIONS
from sandbox.world.desk.staff import DEPARTMENTS, Agent, Requester


async def list_requesters(request: web.Request) -> web.Response:
    """GET /requesters: there is no updated_since, the list is read whole."""
    account = request.config_dict[ACCOUNT]
    now = account.now()
    people: list[Requester | Agent] = [*account.desk.requesters(now)]
    if request.query.get("include_agents") == "true":
        known = {somebody.requester_id for somebody in account.desk.requesters(now)}
        people += [agent for agent in account.desk.agents(now) if agent.agent_id not in known]

    def show(somebody: Requester | Agent) -> dict[str, object]:
        if isinstance(somebody, Agent):
            return agent_as_requester_payload(somebody, now)
        return requester_payload(somebody, now)

    return page_of(request, "requesters", people, show)


async def list_agents(request: web.Request) -> web.Response:
    """GET /agents, by activity, kind of employment or address."""
    account, query = request.config_dict[ACCOUNT], request.query
    now = account.now()
    agents = account.desk.agents(now)
    if "active" in query:
        wanted = query["active"] == "true"
        agents = [agent for agent in agents if agent.is_active(now) == wanted]
    if "state" in query:
        if query["state"] not in ("fulltime", "occasional"):
            raise InvalidError("state", "It should be one of these values: fulltime,occasional")
        occasional = query["state"] == "occasional"
        agents = [agent for agent in agents if agent.is_occasional == occasional]
    if "email" in query:
        agents = [agent for agent in agents if agent.email == query["email"].lower()]
    return page_of(request, "agents", agents, partial(agent_payload, now=now))


async def list_groups(request: web.Request) -> web.Response:
    """GET /groups."""
    account = request.config_dict[ACCOUNT]
    groups = list(account.desk.groups.values())
    return page_of(request, "groups", groups, partial(group_payload, account.desk, account.now()))


async def list_departments(request: web.Request) -> web.Response:
    """GET /departments."""
    desk = request.config_dict[ACCOUNT].desk
    return page_of(request, "departments", DEPARTMENTS, partial(department_payload, desk))


async def list_locations(request: web.Request) -> web.Response:
    """GET /locations."""
    desk = request.config_dict[ACCOUNT].desk
    return page_of(request, "locations", LOCATIONS, partial(location_payload, desk))


async def list_business_hours(request: web.Request) -> web.Response:
    """GET /business_hours: the plural key even where there is one."""
    account = request.config_dict[ACCOUNT]
    show = partial(business_hours_payload, account.desk.opening, account.now())
    return page_of(request, "business_hours", account.desk.calendars, show)


async def list_sla_policies(request: web.Request) -> web.Response:
    """GET /sla_policies: one page, whatever page is asked for."""
    desk = request.config_dict[ACCOUNT].desk
    shown = [sla_policy_payload(policy, desk.opening) for policy in desk.policies]
    return answer({"sla_policies": shown})
