"""Rows as the loaders land them, drawn at random: late, twice, out of order and corrected."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from loaders.loads import raw_tables

LISTS = ("requesters", "agents", "groups", "business_hours", "sla_policies")
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=40)
WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

Record = dict[str, Any]


class Feed:
    """A source of batches; what it draws depends on the seed alone."""

    def __init__(self, loader: Client, seed: int) -> None:
        self.loader = loader
        self.dice = random.Random(seed)
        self.offset = 0
        self.messages: list[tuple[str, str, datetime, Record]] = []
        self.registrations: dict[str, Record] = {}
        self.tickets: dict[int, Record] = {}
        self.versions: list[Record] = []
        self.corrected: set[int] = set()
        self.app: list[list[Any]] = []
        self.gate_minutes: list[list[Any]] = []
        self.lists: dict[str, list[Record]] = {}
        self.holidays = [{"holiday_date": "--07-04", "holiday_name": "Independence Day"}]

    def make_tables(self) -> None:
        for statement in raw_tables():
            self.loader.command(statement)

    def land_batch(self, messages: int = 60, tickets: int = 40) -> None:
        """Land one batch of everything."""
        drawn = [self._message() for _ in range(messages)]
        self.messages += drawn
        drawn += self.dice.choices(self.messages, k=messages // 10)  # sent again
        self.dice.shuffle(drawn)
        self._land_messages(drawn)
        acts = [self._act() for _ in range(messages)]
        self.app += acts
        # Sent again: received later than the first time, or before what landed of it until now.
        acts += [self._copy(act) for act in self.dice.choices(self.app, k=messages // 10)]
        self.land_app(acts)
        self.gate_minutes += (minutes := [self._gate_minute() for _ in range(messages)])
        self._land_gate_minutes(minutes)
        versions = [self._version() for _ in range(tickets)]
        self.versions += versions
        versions += self.dice.choices(self.versions, k=tickets // 5)  # read again, not changed
        corrected = self.dice.choices(self.versions, k=4)
        self.corrected |= {version["id"] for version in corrected}
        versions += [self._correct(version) for version in corrected]
        self.dice.shuffle(versions)
        # Three inserts, for one insert has one landing time and no last. Some versions come by the
        # stream alone; some that were polled come once more, without their stats.
        self.land_records("tickets", versions[::3])
        self.land_records("tickets", polled := versions[1::3])
        without = [{k: v for k, v in version.items() if k != "stats"} for version in polled]
        self._land_events([*versions[2::3], *self.dice.sample(without, k=5)])
        self._draw_lists()
        for endpoint, records in self.lists.items():
            self.land_records(endpoint, records)

    def land_again(self) -> None:
        """Land what has landed, as after a replay: messages, tickets and lists."""
        self._land_messages(self.messages)
        self.land_app(self.app)
        self._land_gate_minutes(self.gate_minutes)
        # Of a corrected version the content that lands last holds, so that would be news.
        known = [version for version in self.versions if version["id"] not in self.corrected]
        self.land_records("tickets", known)
        for endpoint, records in self.lists.items():
            self.land_records(endpoint, records)

    def land_records(self, endpoint: str, records: list[Record]) -> None:
        rows = [
            ["freshservice", record["id"], _instant(record["updated_at"]), json.dumps(record), "1"]
            for record in records
        ]
        columns = ["source", "record_id", "source_at", "payload", "_dlt_load_id"]
        self.loader.insert(f"raw.freshservice__{endpoint}", rows, column_names=columns)

    def _land_events(self, versions: list[Record]) -> None:
        rows = []
        for version in versions:
            self.offset += 1
            at = _instant(version["updated_at"])
            place = ("ticket_events", "ticket-events", self.offset % 4, self.offset)
            rows.append((*place, "ticket.updated", version["id"], at, at, json.dumps(version), "1"))
        columns = [
            "source", "topic", "partition", "offset", "event_type", "record_id", "source_at",
            "published_at", "payload", "_dlt_load_id",
        ]  # fmt: skip
        self.loader.insert("raw.freshservice__ticket_events", rows, column_names=columns)

    def _land_messages(self, messages: list[tuple[str, str, datetime, Record]]) -> None:
        rows = []
        for message_id, kind, at, data in messages:
            self.offset += 1
            payload = {"message_id": message_id, "type": kind, "data": data}
            place = ("event-data", self.offset % 4, self.offset)
            rows.append(
                ("event_management", *place, message_id, kind, 1, at, at, json.dumps(payload), "1")
            )
        columns = [
            "source", "topic", "partition", "offset", "message_id", "type", "schema_version",
            "source_at", "published_at", "payload", "_dlt_load_id",
        ]  # fmt: skip
        self.loader.insert("raw.event_management__event_data", rows, column_names=columns)

    def land_app(self, acts: list[list[Any]]) -> None:
        columns = [
            "source", "message_id", "type", "event_id", "source_at", "sent_at", "received_at",
            "seq", "channel", "payload", "_dlt_load_id",
        ]  # fmt: skip
        self.loader.insert("raw.user_app__events", acts, column_names=columns)

    def _act(self) -> list[Any]:
        dice = self.dice
        # Few people and few days: they meet themselves, at other events too.
        at = START + timedelta(seconds=dice.randrange(4 * 86400))
        sent = at + timedelta(seconds=dice.choice([0, 0, 0, 5, 9000]))
        off = timedelta(seconds=dice.choice([0, 0, 0, 0, 60, -7200, 7200]))
        kind = dice.choices(
            ["check_in", "check_out", "session_join", "session_leave", "view", "rating"],
            [5, 4, 2, 1, 1, 1],
        )[0]
        body: Record = {"user_id": f"k1.{dice.randrange(12)}", "properties": {}}
        body["device_info"] = {"device_id": f"d-{dice.randrange(9)}", "app_version": f"{at:%d.%H}"}
        if kind.startswith("check"):
            body["gate_id"] = f"g-{dice.randrange(3)}"
            body["properties"] = {
                "result": dice.choice(["ok", "ok", "ok", "duplicate", "invalid"]),
                "lane": 1,
                "is_override": dice.random() < 0.1,
                "registration_id": dice.choice([None, f"r-{dice.randrange(80)}"]),
            }
        elif kind != "view":
            body["session_id"] = f"s-{dice.randrange(9)}"
        read = None if dice.random() < 0.05 else at + off
        received = sent + timedelta(milliseconds=dice.randrange(2000))
        return [
            "user_app", f"m-{dice.getrandbits(48):012x}", kind, f"e-{dice.randrange(12)}", read,
            sent + off, received, dice.randrange(10**6), "rest", json.dumps(body), "1",
        ]  # fmt: skip

    def _copy(self, act: list[Any]) -> list[Any]:
        later = timedelta(minutes=self.dice.choice([-40, 1, 500]))
        return [*act[:6], act[6] + later, act[7] + 1, *act[8:]]

    def _land_gate_minutes(self, minutes: list[list[Any]]) -> None:
        columns = [
            "source", "event_id", "gate_id", "lane", "minute_at", "reported_at", "payload",
            "_dlt_load_id",
        ]  # fmt: skip
        self.loader.insert("raw.gate_management__gate_minutes", minutes, column_names=columns)

    def _gate_minute(self) -> list[Any]:
        dice = self.dice
        # So few that most minutes are reported again, corrected.
        minute_at = START + timedelta(minutes=dice.randrange(60), days=dice.randrange(2))
        reported_at = minute_at + timedelta(milliseconds=dice.randrange(60_000, 90_000_000))
        body: Record = {
            "entries": dice.randrange(12), "exits": dice.randrange(5), "manual_overrides": 0,
            "rejects": dict.fromkeys(["duplicate", "invalid", "wrong_gate", "revoked"], 1),
            "status": "open", "firmware": "1", "queue_length": dice.choice([None, 4, 9]),
        }  # fmt: skip
        place = [f"e-{dice.randrange(3)}", f"g-{dice.randrange(2)}", dice.randrange(1, 3)]
        return ["gate_management", *place, minute_at, reported_at, json.dumps(body), "1"]

    def _message(self) -> tuple[str, str, datetime, Record]:
        dice, message_id = self.dice, f"m-{self.dice.getrandbits(48):012x}"
        # Some happened long before what has landed already.
        at = START + timedelta(seconds=dice.randrange(35 * 86400))
        event_id = f"e-{dice.randrange(12)}"
        match dice.choices(["venue", "event", "session", "registration"], [1, 2, 3, 30])[0]:
            case "venue":
                data: Record = {"venue_id": f"v-{dice.randrange(3)}", "name": f"Hall {at:%H}"}
                return message_id, "venue.updated", at, data | {"timezone": "Europe/Berlin"}
            case "event":
                times = {"doors_open_at": _iso(at), "starts_at": _iso(at), "ends_at": _iso(at)}
                data = {"event_id": event_id, "venue_id": f"v-{dice.randrange(4)}"}
                if dice.random() < 0.2:
                    return message_id, "event.cancelled", at, {"event_id": event_id, "reason": "?"}
                data |= times | {"name": f"Event {at:%H}", "timezone": "UTC", "capacity": 9}
                return message_id, "event.created", at, data
            case "session":
                data = {"session_id": f"s-{dice.randrange(9)}", "event_id": event_id}
                if dice.random() < 0.2:
                    return message_id, "session.cancelled", at, data
                times = {"starts_at": _iso(at), "ends_at": _iso(at)}
                return message_id, "session.updated", at, data | times | {"title": f"Talk {at:%H}"}
        key = f"r-{dice.randrange(80)}"
        data = {"registration_id": key, "event_id": f"e-{int(key[2:]) % 12}"}
        if dice.random() < 0.2:
            return message_id, "registration.cancelled", at, data | {"reason": "ill"}
        data |= {
            "user_id": f"k1.{dice.randrange(40)}",
            "email": dice.choice([None, "", f"k1.mail{dice.randrange(40)}"]),
            "ticket_type": dice.choice(["general", "vip"]),
            "status": dice.choice(["pending", "confirmed", "waitlisted", "cancelled"]),
            "price_minor": dice.choice([None, 4900]),
            "registered_at": _iso(at),
        }
        return message_id, "registration.updated", at, data

    def _version(self) -> Record:
        dice = self.dice
        if not self.tickets or dice.random() < 0.4:
            number = len(self.tickets) + 1
            made = START + timedelta(seconds=dice.randrange(30 * 86400))
            ticket: Record = {
                "id": number, "status": 2, "created_at": _iso(made), "updated_at": _iso(made),
                "priority": dice.choice([None, 1, 2, 3, 4]), "source": dice.choice([1, 2, 16]),
                "category": dice.choice([None, " ", "Hardware"]), "requester_id": dice.randrange(9),
                "responder_id": None, "group_id": dice.choice([None, 1, 2, 3, 4]),
                "spam": False, "deleted": False, "stats": {},
            }  # fmt: skip
        else:
            ticket = json.loads(json.dumps(self.tickets[dice.choice(list(self.tickets))]))
            moved = _instant(ticket["updated_at"]) + timedelta(seconds=dice.randrange(1, 90_000))
            ticket["updated_at"] = _iso(moved)
            ticket["status"] = dice.choice([2, 3, 4, 4, 5, 7])
            ticket["spam"] = dice.random() < 0.05
            ticket["deleted"] = dice.random() < 0.05
            ticket["group_id"] = dice.choice([ticket["group_id"], None, 1, 2, 3, 4])
            stats = ticket["stats"]
            stats["first_responded_at"] = stats.get("first_responded_at") or _iso(moved)
            stats["status_updated_at"] = dice.choice([None, _iso(moved)])
            done = ticket["status"] in (4, 5) and dice.random() < 0.9
            stats["resolved_at"] = _iso(moved) if done else None
            stats["closed_at"] = _iso(moved) if done and ticket["status"] == 5 else None
        self.tickets[ticket["id"]] = ticket
        return ticket

    def _correct(self, version: Record) -> Record:
        """The same version with another content, as after a repair of the source."""
        corrected: Record = json.loads(json.dumps(version))
        shift = timedelta(hours=self.dice.choice([-30, -1, 1]))
        corrected["created_at"] = _iso(_instant(corrected["created_at"]) + shift)
        corrected["priority"] = self.dice.choice([1, 4])
        return corrected

    def _draw_lists(self) -> None:
        dice = self.dice
        stamp: Record = {"updated_at": _iso(START + timedelta(days=len(self.versions)))}
        if dice.random() < 0.5:
            day = START.date() + timedelta(days=dice.randrange(30))
            self.holidays = [*self.holidays, {"holiday_date": str(day), "holiday_name": "Extra"}]
        hours = {"beginning_of_workday": "8:00 am", "end_of_workday": "5:00 pm"}
        calendars = [
            {
                "id": number,
                "name": f"Calendar {number}",
                "is_default": number == 1,
                "time_zone": zone,
                "service_desk_hours": dict.fromkeys(WORKDAYS, hours),
                "list_of_holidays": self.holidays if number == 2 else [],
            }
            | stamp
            for number, zone in ((1, "Eastern Time (US & Canada)"), (2, "Berlin"), (3, "Tokyo"))
        ]
        groups = [
            {"id": n, "name": f"Group {n}", "business_hours_id": dice.choice([None, 1, 2, 3])}
            | stamp
            for n in range(1, 4)
        ]
        people: list[Record] = [{"id": n, "active": dice.random() < 0.9} | stamp for n in range(6)]
        self.lists = {
            "business_hours": calendars,
            "groups": groups,
            "agents": [person | {"email": f"k1.mail{person['id']}"} for person in people],
            "requesters": [
                person | {"primary_email": f"k1.mail{person['id']}"} for person in people
            ],
            "sla_policies": [{"id": 1, "name": "Default", "sla_targets": []} | stamp],
        }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
