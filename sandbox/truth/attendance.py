"""The truth of attendance: who was inside when, and what the records can tell of it.

Every file has two sides. What really happened is known to the world alone: who left without a scan
left all the same. What the records tell is what a warehouse can know at best, from messages that
were received by now and from clocks that are right to the second; the marts are held against it.

    attendance_scans            each ticket held before a scanner: when, where, with what result
    attendance_visits           real visits: in, out (null: still inside), is_exit_missing
    attendance_recorded_visits  the same from the records: admitted ways in and out of a person,
                                paired; in while inside and out while outside say nothing; back
                                within five minutes it is one visit; without an exit it ends with
                                the next way in elsewhere or the programme (imputed_by), whichever
                                is first, and has not ended while the programme runs
    attendance_occupancy        per event and minute: entries, exits and inside at its end from the
                                recorded visits; really_inside from the real ones
    attendance_events           per event: registrations confirmed when doors opened, those of them
                                checked in, no-shows; distinct people, peak, dwell, rejects.
                                is_settled: nothing that was meant to be received is still to come;
                                lane_minutes: how many minutes of lanes the gates report, empty ones
                                included
    session_attendance          per session and person who joined: stints from the records (a rejoin
                                within a stint says nothing; one without a leave ends with the next
                                stint of the person, the visit or the session's programme, whichever
                                is first after the joining), and what they really sat through
    gate_minutes                per gate, lane and minute in which anything happened: the counters
                                of the last report by now
    attendance_users            per event and person inside: what an engagement score is made of

Times are instants, durations milliseconds, medians the upper one of two.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from statistics import median_high
from typing import Any

from sandbox.truth.recorded_attendance import dwell, pair, stints
from sandbox.world import World
from sandbox.world.attendance.clock import Writer
from sandbox.world.attendance.counters import Report
from sandbox.world.attendance.dirt import BREAKS, EXPECTED
from sandbox.world.attendance.evening import Evening
from sandbox.world.attendance.letters import Letter, Letters
from sandbox.world.attendance.phones import Act, phone_of
from sandbox.world.attendance.reports import Reports
from sandbox.world.happenings import Story
from sandbox.world.moments import MINUTE
from sandbox.world.registrations import Registration

Row = Mapping[str, Any]
FILES = (
    "attendance_scans",
    "attendance_visits",
    "attendance_recorded_visits",
    "attendance_occupancy",
    "attendance_events",
    "session_attendance",
    "gate_minutes",
    "attendance_users",
)


def attendance_rows(world: World, now: int) -> Iterator[tuple[str, Iterable[Row]]]:
    """The lines of all files, evening by evening and file by file; and those of dirt.jsonl."""
    stories = {story.event.event_id: story for story in world.happenings.stories}
    # Backwards, so that where people went next is known when an evening is looked at.
    later: dict[int, list[tuple[int, str]]] = {}
    for make in reversed(world.attendance.evenings(now)):
        made = make()
        yield from _Account(world, made, stories[made.event.event_id], now, later).rows()


class _Account:
    """One evening, told twice."""

    def __init__(
        self,
        world: World,
        evening: Evening,
        story: Story,
        now: int,
        later: dict[int, list[tuple[int, str]]],
    ) -> None:
        self._world, self._evening, self._story, self._now = world, evening, story, now
        self._event_id = evening.event.event_id
        self._at = Writer().write
        self._gates = [gate.gate_id for gate in evening.gates]
        self._acts, self._sittings = evening.app
        self._received = [scan for scan in evening.scans if scan.received_at <= now]
        self._told = [act for act in self._acts if act.received_at <= now]
        self._people = pair(self._received, evening.state.ends_at, now, later)
        self._visits = [visit for visits in self._people.values() for visit in visits]
        self._let_in = [s for s in self._received if s.direction == "in" and s.is_admitted]
        for scan in self._let_in:
            later.setdefault(scan.user, []).append((scan.at, self._event_id))

    def rows(self) -> tuple[tuple[str, Iterable[Row]], ...]:
        """All lines of the evening, to be read in this order."""
        return (
            ("attendance_scans", self._scan_rows()),
            ("attendance_visits", self._visit_rows()),
            ("attendance_recorded_visits", self._recorded_rows()),
            ("attendance_occupancy", self._occupancy_rows()),
            ("session_attendance", self._session_rows()),
            ("gate_minutes", self._minute_rows()),
            ("attendance_users", self._user_rows()),
            ("attendance_events", self._event_rows()),
            ("dirt", self._dirt_rows()),
        )

    def _scan_rows(self) -> Iterator[Row]:
        for scan in self._evening.scans:
            if scan.at <= self._now:
                yield {
                    "message_id": f"{self._event_id}.s{scan.number}",
                    "event_id": self._event_id,
                    "user_id": _user(scan.user),
                    "direction": scan.direction,
                    "gate_id": self._gates[scan.gate],
                    "lane": scan.lane,
                    "result": scan.result,
                    "is_override": scan.is_override,
                    "is_admitted": scan.is_admitted,
                    "is_offline": scan.is_offline,
                    "registration_id": scan.registration_id,
                    "at": self._at(scan.at),
                    "received_at": self._at(scan.received_at),
                }

    def _visit_rows(self) -> Iterator[Row]:
        for stay in self._evening.stays:
            for number, visit in enumerate(stay.visits, 1):
                if visit.entered_at <= self._now:
                    left = visit.left_at <= self._now
                    yield {
                        "event_id": self._event_id,
                        "user_id": _user(stay.guest.user),
                        "visit_number": number,
                        "in": self._at(visit.entered_at),
                        "out": self._at(visit.left_at) if left else None,
                        "is_exit_missing": visit.is_exit_missing,
                    }

    def _recorded_rows(self) -> Iterator[Row]:
        for visit in self._visits:
            gate = visit.exit_gate
            yield {
                "event_id": self._event_id,
                "user_id": _user(visit.user),
                "visit_number": visit.number,
                "in": self._at(visit.entered_at),
                "out": visit.left_at and self._at(visit.left_at),
                "dwell_ms": visit.left_at and visit.left_at - visit.entered_at,
                "is_exit_imputed": visit.imputed_by is not None,
                "imputed_by": visit.imputed_by,
                "entry_gate_id": self._gates[visit.entry_gate],
                "exit_gate_id": None if gate is None else self._gates[gate],
                "registration_id": visit.registration_id,
            }

    def _occupancy_rows(self) -> Iterator[Row]:
        entries = dict(Counter(visit.entered_at // MINUTE for visit in self._visits))
        exits = dict(Counter(visit.left_at // MINUTE for visit in self._visits if visit.left_at))
        step: defaultdict[int, int] = defaultdict(int)
        for stay in self._evening.stays:
            for visit in stay.visits:
                if visit.entered_at <= self._now:
                    step[visit.entered_at // MINUTE] += 1
                if visit.left_at <= self._now and visit.entered_at <= self._now:
                    step[visit.left_at // MINUTE] -= 1
        minutes = {*entries, *exits, *step}
        inside = really = 0
        self._peak, self._real_peak = (0, 0), (0, 0)
        for minute in range(min(minutes, default=0), max(minutes, default=-1) + 1):
            came, went = entries.get(minute, 0), exits.get(minute, 0)
            inside += came - went
            really += step.get(minute, 0)
            if inside > self._peak[0]:
                self._peak = inside, minute
            if really > self._real_peak[0]:
                self._real_peak = really, minute
            if inside or really or came or went:
                yield {
                    "event_id": self._event_id,
                    "minute": self._at(minute * MINUTE),
                    "entries": came,
                    "exits": went,
                    "inside": inside,
                    "really_inside": really,
                }

    def _event_rows(self) -> Iterator[Row]:
        evening, state = self._evening, self._evening.state
        if state.doors_open_at > self._now:
            return
        admitted = self._let_in
        shown = {scan.registration_id for scan in admitted if scan.registration_id}
        confirmed = {
            registration.registration_id
            for registration in self._story.registrations
            if _status_at(registration, state.doors_open_at) == "confirmed"
        }
        tickets: defaultdict[int, set[str]] = defaultdict(set)
        for scan in admitted:
            tickets[scan.user].update([scan.registration_id] if scan.registration_id else [])
        people = self._people
        dwells = {user: dwell(visits) for user, visits in people.items()}
        observed = [
            dwells[user] for user, visits in people.items() if not any(v.imputed_by for v in visits)
        ]
        imputed = sum(visit.imputed_by is not None for visit in self._visits)
        rejects = Counter(scan.result for scan in self._received if not scan.is_admitted)
        last = max(
            state.ends_at,
            max((scan.received_at for scan in evening.scans), default=0),
            max((act.received_at for act in self._acts), default=0),
            max((told.reported_at for told in evening.reports), default=0),
        )
        starts_at = state.starts_at
        yield {
            "event_id": self._event_id,
            "is_settled": last <= self._now,
            "last_received_at": self._at(last),
            "over_at": self._at(evening.over_at),
            "confirmed": len(confirmed),
            "checked_in": len(confirmed & shown),
            "no_show": len(confirmed - shown),
            "attendance": len(people),
            "checked_in_people": sum(bool(held & confirmed) for held in tickets.values()),
            "late_ticket_people": sum(
                bool(held) and not held & confirmed for held in tickets.values()
            ),
            "walk_ups": sum(not held for held in tickets.values()),
            "late_arrivals": sum(v[0].entered_at > starts_at for v in people.values()),
            "real_attendance": sum(
                bool(stay.visits) and stay.visits[0].entered_at <= self._now
                for stay in evening.stays
            ),
            "visits": len(self._visits),
            "imputed": imputed,
            "peak": self._peak[0],
            "peak_at": self._at(self._peak[1] * MINUTE),
            "real_peak": self._real_peak[0],
            "real_peak_at": self._at(self._real_peak[1] * MINUTE),
            "dwell_ms_median": _median(dwells.values()),
            "observed_dwell_ms_median": _median(observed),
            "rejects": {name: rejects[name] for name in sorted(rejects)},
            "overrides": sum(scan.is_override for scan in self._received),
            "lane_minutes": self._lane_minutes,
        }

    def _session_rows(self) -> Iterator[Row]:
        sat: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        for sitting in self._sittings:
            sat[sitting.session_id, sitting.user].append((sitting.joined_at, sitting.left_at))
        ends = {one.session_id: one.changes[-1].state.ends_at for one in self._story.sessions}
        told = [(self._by_records(act), act) for act in self._told if act.session_id]
        for (session_id, user), found in stints(told, ends, self._people, self._now).items():
            spans = sat[session_id, user]
            lengths = [left - joined for joined, left, _ in found if left is not None]
            last = found[-1]
            yield {
                "event_id": self._event_id,
                "session_id": session_id,
                "user_id": _user(user),
                "joins": len(found),
                "joined_at": self._at(found[0][0]),
                "left_at": None if last[1] is None else self._at(last[1]),
                "left_by": last[2],
                "attended_ms": sum(lengths) if lengths else None,
                "really_joined_at": self._at(spans[0][0]),
                "really_left_at": self._at(spans[-1][1]),
                "really_attended_ms": sum(left - joined for joined, left in spans),
            }

    def _by_records(self, act: Act) -> int:
        """When the phone says it was; but nothing was received before it happened."""
        return min(act.at + phone_of(self._world.parameters.seed, act.user).clock, act.received_at)

    def _minute_rows(self) -> Iterator[Row]:
        last: dict[tuple[int, int, int], Report] = {}
        for told in self._evening.reports:
            if told.reported_at <= self._now:
                last[told[1:4]] = told
        self._lane_minutes = len(last)
        for (gate, lane, minute_at), told in sorted(last.items()):
            counts = told.counts
            if not any(counts[:7]):
                continue
            yield {
                "event_id": self._event_id,
                "gate_id": self._gates[gate],
                "lane": lane,
                "minute": self._at(minute_at),
                "reported_at": self._at(told.reported_at),
                "entries": counts.entries,
                "exits": counts.exits,
                "duplicate": counts.duplicate,
                "invalid": counts.invalid,
                "wrong_gate": counts.wrong_gate,
                "revoked": counts.revoked,
                "overrides": counts.overrides,
            }

    def _user_rows(self) -> Iterator[Row]:
        acts: defaultdict[int, Counter[str]] = defaultdict(Counter)
        idle: Counter[str] = Counter()
        sessions: defaultdict[int, set[str]] = defaultdict(set)
        for act in self._told:
            acts[act.user][act.type] += 1
            if act.type == "session_join" and act.session_id:
                sessions[act.user].add(act.session_id)
        for user, visits in self._people.items():
            done = acts.get(user, idle)
            yield {
                "event_id": self._event_id,
                "user_id": _user(user),
                "visits": len(visits),
                "dwell_ms": dwell(visits),
                "sessions": len(sessions.get(user, ())),
                "views": done["view"],
                "poll_answers": done["poll_answer"],
                "questions": done["question"],
                "ratings": done["rating"],
            }

    def _dirt_rows(self) -> Iterator[Row]:
        parameters = self._world.parameters
        if not parameters.dirt:
            return
        letters = Letters(parameters.seed, parameters.dirt, self._evening)
        for letter in letters.letters:
            kind = letters.kind_of(letter)
            if kind and letter.received_at <= self._now:
                resent_at = letter.resent_at if isinstance(letter, Letter) else None
                name = letters.name(letter.item if isinstance(letter, Letter) else letter)
                yield self._dirt("user_app", "events", kind, {"message_id": name}, resent_at)
        for told in Reports(parameters.seed, parameters.dirt, self._evening).reports:
            if told.reported_at <= self._now and told.kind:
                where = {
                    "gate_id": self._gates[told.gate],
                    "lane": told.lane,
                    "minute_at": self._at(told.minute_at),
                    "reported_at": self._at(told.reported_at),
                }
                yield self._dirt(
                    "gate_management", "gate_minutes", told.kind, where, told.resent_at
                )

    def _dirt(self, source: str, feed: str, kind: str, where: Row, resent_at: int | None) -> Row:
        is_resent = resent_at is not None and resent_at <= self._now
        return {
            "source": source,
            "feed": feed,
            "kind": kind,
            "where": where,
            "message_id": where.get("message_id"),
            "expected": EXPECTED[kind],
            "resent": is_resent if kind in BREAKS else None,
        }


def _status_at(registration: Registration, moment: int) -> str | None:
    done = [change for change in registration.changes if change.at <= moment]
    return done[-1].state.status if done else None


def _median(lengths: Iterable[int | None]) -> int | None:
    known = [length for length in lengths if length is not None]
    return median_high(known) if known else None


def _user(number: int) -> str:
    return f"usr-{number:08d}"
