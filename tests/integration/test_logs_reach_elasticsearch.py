"""The real rsyslog ships what loads and dbt log to Elasticsearch, once and as its schema wants.

Elasticsearch is a stand-in that takes `_bulk` and keeps the first document of an id, as a data
stream does.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import FRESHSERVICE_API_KEY, GATE_MANAGEMENT_API_KEY, PRIVACY_KEYS, password
from tests.answering import answering
from tests.integration.driving import gatehouse
from tests.sandboxes import Sandbox

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "monitoring" / "rsyslog" / "gatehouse.conf"

pytestmark = [
    pytest.mark.monitoring,
    pytest.mark.skipif(
        shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin") is None,
        reason="needs rsyslog: apt-get install rsyslog rsyslog-elasticsearch",
    ),
]

Documents = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def elasticsearch() -> Iterator[tuple[int, Documents]]:
    kept: Documents = {}

    def answer(_path: str, body: bytes) -> tuple[int, Any]:
        if not body:
            return 200, {"status": "green"}
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            where = action["create"]
            assert set(where) == {"_index", "_id"}, "the types of old are refused since 8.0"
            is_new = kept.setdefault((where["_index"], where["_id"]), document) is document
            items.append({"create": {"status": 201 if is_new else 409}})
        return 200, {"errors": False, "items": items}

    with answering(answer) as port:
        yield port, kept


def ship(env: dict[str, str], documents: Documents, wanted: int) -> None:
    """Let rsyslog read until so many documents are there, and end in order."""
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(CONFIG), "-i", f"{env['RSYSLOG_STATE']}/pid"]
    Path(env["RSYSLOG_STATE"]).mkdir()
    process = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 300
    while len(documents) < wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert len(documents) >= wanted, said.decode()


def test_logs_are_shipped_once_and_hold_no_secret(
    sandbox: Sandbox, elasticsearch: tuple[int, Documents], tmp_path: Path
) -> None:
    port, documents = elasticsearch
    assert gatehouse(sandbox, "load", "gate_management").returncode == 0
    revoked = {"SOURCES__GATE_MANAGEMENT__API_KEY": "revoked-secret"}
    assert gatehouse(sandbox, "load", "gate_management", **revoked).returncode == 1
    json_logs = {"DBT_LOG_FORMAT_FILE": "json", "DBT_LOG_LEVEL_FILE": "info"}
    logs = sandbox.settings.state / "logs"
    ran = subprocess.run(
        ["dbt", "debug", "--log-path", logs, "--project-dir", ROOT, "--profiles-dir", ROOT],
        env={**os.environ, **sandbox.env, **json_logs},
        capture_output=True,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout
    env = {
        "GATEHOUSE_LOGS": str(logs),
        "DBT_LOGS": str(logs),
        "RSYSLOG_STATE": str(tmp_path / "first"),
        "ELASTICSEARCH_HOST": "127.0.0.1",
        "ELASTICSEARCH_PORT": str(port),
        "ELASTICSEARCH_TLS": "off",
        "ELASTICSEARCH_USER": "",
        "ELASTICSEARCH_PASSWORD": "",
    }
    lines = [
        line
        for name in ("gatehouse.json", "dbt.log")
        for line in (logs / name).read_text().splitlines()
    ]
    assert len(lines) > 5
    ship(env, documents, len(set(lines)))
    # Read from the beginning again, as a shipper that lost its state does.
    ship({**env, "RSYSLOG_STATE": str(tmp_path / "second")}, documents, len(set(lines)))
    assert len(documents) == len(set(lines))

    ours = [it for (index, _), it in documents.items() if index == "logs-gatehouse-default"]
    loads = [it for it in ours if it.get("event", {}).get("dataset") == "gatehouse.load"]
    failed = [it for it in loads if it["log.level"] == "error"]
    assert {it["event"]["outcome"] for it in loads} == {"success", "failure"}
    assert all("status 401" in it["error"]["message"] for it in failed)
    runs = [it for (index, _), it in documents.items() if index == "logs-dbt-default"]
    for document in (*ours, *runs):
        assert document.keys() >= {"@timestamp", "message", "log.level", "ecs.version"}
    assert any("Running with dbt" in it["message"] for it in runs)
    text = json.dumps([*ours, *runs])
    secrets = (GATE_MANAGEMENT_API_KEY, FRESHSERVICE_API_KEY, PRIVACY_KEYS.partition(":")[2])
    for secret in (*secrets, "revoked-secret", password("transformer"), password("loader")):
        assert secret not in text
