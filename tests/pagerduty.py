"""A stand-in of PagerDuty's Events API v2, which keeps what it was told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.answering import answering

ROUTING_KEY = "r" * 32
_SEVERITIES = {"critical", "error", "warning", "info"}


@dataclass
class Incident:
    """What PagerDuty makes of the events of one deduplication key."""

    alert: str
    source: str
    severity: str
    summary: str
    triggers: int = 0
    is_open: bool = True


@dataclass
class PagerDuty:
    url: str
    incidents: dict[str, Incident] = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)

    def take(self, event: Any) -> str:
        """Take an event, or say what is wrong with it."""
        if event.get("routing_key") != ROUTING_KEY or len(event.get("dedup_key", "")) > 255:
            return "Invalid routing key or dedup_key"
        key, payload = event.get("dedup_key") or "", event.get("payload") or {}
        if event["event_action"] == "resolve":
            if key in self.incidents:
                self.incidents[key].is_open = False
            return ""
        if event["event_action"] != "trigger" or payload.get("severity") not in _SEVERITIES:
            return "'event_action' or 'payload.severity' is invalid"
        if not payload.get("summary") or not payload.get("source"):
            return "'payload.summary' or 'payload.source' is missing"
        told = Incident(
            # Alertmanager leaves out what is empty.
            payload["class"],
            payload.get("component", ""),
            payload["severity"],
            payload["summary"],
        )
        told.triggers = self.incidents[key].triggers + 1 if key in self.incidents else 1
        self.incidents[key] = told
        return ""

    def open(self) -> set[tuple[str, str]]:
        """Return the alert and source of every open incident."""
        return {(it.alert, it.source) for it in list(self.incidents.values()) if it.is_open}


@contextmanager
def pagerduty() -> Iterator[PagerDuty]:
    """Serve it on a free port for the length of the block."""
    duty = PagerDuty("")

    def answer(path: str, body: bytes) -> tuple[int, Any]:
        event = json.loads(body or b"{}")
        problem = duty.take(event) if path == "/v2/enqueue" else "no such page"
        told = {"dedup_key": event.get("dedup_key"), "message": problem or "Event processed"}
        if problem:
            duty.refused.append((problem, event))
            return 400, {"status": "invalid event", **told}
        return 202, {"status": "success", **told}

    with answering(answer) as port:
        duty.url = f"http://127.0.0.1:{port}/v2/enqueue"
        yield duty
