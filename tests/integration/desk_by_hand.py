"""The desk's sums by hand: what rollups and profiles should say, from the truth and with no SQL."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.world.desk.business_time import business_seconds
from sandbox.world.desk.desk import Desk

Line = dict[str, Any]
Row = tuple[Any, ...]
SATISFIED = 0.75
SOON, FIRST_CONTACT = timedelta(days=14), timedelta(days=7)
# Segment -> tickets at least, within so many days; the first that fits.
SEGMENTS = {"heavy": (10, 90), "regular": (3, 90), "occasional": (1, 365), "dormant": (0, 1)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def counts(ticket: Line) -> bool:
    return not (ticket["deleted"] or ticket["spam"] or ticket["is_merged"])


def satisfied(answers: Iterable[Line]) -> dict[int, bool]:
    """Whether each requester who answered is satisfied, by ticket."""
    return {line["ticket_id"]: line["acquired"] / line["total"] >= SATISFIED for line in answers}


def cohorts(tickets: Iterable[Line], answers: dict[int, bool], now: datetime) -> set[Row]:
    """Group, priority, cohort and day, and what became of its tickets."""
    found: dict[Row, list[int]] = defaultdict(lambda: [0] * 14)
    for ticket in filter(counts, tickets):
        created_at = at(ticket["created_at"])
        days = {"created": created_at.date()}
        reopen_ripe = reopened = contact_ripe = at_first_contact = False
        took = ticket["first_resolution_seconds"]
        if took is not None:
            resolved_at = created_at + timedelta(seconds=took)
            days["resolved"] = resolved_at.date()
            lasted = min((at(text) - resolved_at for text in ticket["reopened_at"]), default=None)
            reopen_ripe = resolved_at + SOON <= now
            reopened = lasted is not None and lasted <= SOON
            contact_ripe = resolved_at + FIRST_CONTACT <= now
            at_first_contact = (
                ticket["replies"] <= 1
                and ticket["group_changes"] == 0
                and not (lasted is not None and lasted <= FIRST_CONTACT)
            )
        measures = [
            True,
            ticket["first_responded_at"] is not None,
            ticket["resolved_at"] is not None,
            reopen_ripe,
            reopen_ripe and reopened,
            contact_ripe,
            contact_ripe and at_first_contact,
            contact_ripe and ticket["resolved_at"] is not None and ticket["replies"] <= 1,
            ticket["ticket_id"] in answers,
            answers.get(ticket["ticket_id"], False),
            ticket["first_response_seconds"] or 0,
            ticket["first_response_holding_business_seconds"] or 0,
            ticket["full_resolution_seconds"] or 0,
            ticket["full_resolution_holding_business_seconds"] or 0,
        ]
        for cohort, day in days.items():
            key = (ticket["group_id"] or 0, ticket["priority"] or 2, cohort, day)
            found[key] = [old + int(new) for old, new in zip(found[key], measures, strict=True)]
    return {(*key, *sums) for key, sums in found.items()}


def sla_days(outcomes: Iterable[Line]) -> set[Row]:
    """Group, metric, priority and day, and how many limits were met, breached, running breached."""
    found: dict[Row, list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in outcomes:
        if line["outcome"] in ("met", "breached", "running_breached"):
            day = at(line["breached_at"] or line["done_at"]).date()
            key = (line["group_id"] or 0, line["metric"], line["priority"], day)
            found[key][("met", "breached", "running_breached").index(line["outcome"])] += 1
    return {(*key, *tally) for key, tally in found.items()}


def agent_days(
    desk: Desk, entries: Iterable[Line], since: datetime, now: datetime
) -> Iterator[Row]:
    """Agent and day, and the seconds that were logged, billable, and open to the agent's group."""
    logged: dict[tuple[int, date], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        if not entry.get("timer_running"):
            sums = logged[entry["agent_id"], at(entry["executed_at"]).date()]
            sums[0] += entry["seconds"]
            sums[1] += entry["seconds"] * entry["billable"]
    team = {agent.agent_id: agent for agent in desk.agents(now)}
    first = min([since.date(), *(day for _, day in logged)])
    for agent_id in sorted({*team, *(who for who, _ in logged)}):
        for number in range((now.date() - first).days):
            day = first + timedelta(days=number)
            begins = datetime.combine(day, time(), UTC)
            open_seconds, agent = 0, team.get(agent_id)
            if agent and agent.is_active(now):
                calendar = agent.groups[0].calendar_at(now).known(now)
                start = max(begins, since, agent.created_at)
                open_seconds = business_seconds(calendar, start, begins + timedelta(days=1))
            sums = logged.get((agent_id, day), [0, 0])
            if open_seconds or sums[0]:
                yield agent_id, day, *sums, open_seconds


def customers(
    desk: Desk, tickets: Iterable[Line], answers: dict[int, bool], now: datetime
) -> Iterator[Row]:
    """Customer and segment, and the counts of their tickets by what became of them."""
    asked: dict[int, list[Line]] = defaultdict(list)
    for ticket in tickets:
        asked[ticket["requester_id"]].append(ticket)
    vips = {one.requester_id for one in desk.requesters(now) if one.is_vip}
    for requester_id, lines in asked.items():
        counted = list(filter(counts, lines))
        created = [at(line["created_at"]) for line in counted]
        by_rule = (
            name
            for name, (at_least, days) in SEGMENTS.items()
            if sum(one > now - timedelta(days=days) for one in created) >= at_least
        )
        answered = [answers[t["ticket_id"]] for t in lines if t["ticket_id"] in answers]
        yield (
            requester_id,
            "vip" if requester_id in vips else next(by_rule),
            len(counted),
            sum(line["status"] not in (4, 5) for line in counted),
            *(sum(line["status"] == status for line in counted) for status in (3, 4, 5)),
            len(lines) - len(counted),
            sum(line["reopens"] for line in counted),
            len(answered),
            sum(answered),
            min(created, default=None),
            max(created, default=None),
        )
