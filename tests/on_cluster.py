"""Two ClickHouse servers as one cluster of two shards, and in front of them what `on cluster` does.

The embedded server knows Distributed tables but not `on cluster`, which takes Keeper. So statements
reach the first node through a door that runs those with the clause on every node, without it.
"""

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.settings import HOST, Settings, environment
from tests.sandboxes import Sandbox, ask, free_port, own_ports

CLUSTER = "gatehouse"
ROOT = Path(__file__).resolve().parents[1]
ON_CLUSTER = re.compile(rb'\bon cluster\s+"?gatehouse"?', re.I)

SHARD = """<shard><internal_replication>true</internal_replication>
<replica><host>{host}</host><port>{port}</port></replica></shard>"""

CONFIG = """<clickhouse>
<remote_servers><gatehouse><secret>between-the-nodes</secret>{shards}</gatehouse></remote_servers>
<macros><shard>{number}</shard><replica>1</replica></macros>
</clickhouse>
"""

# What docs/growth.md asks of the profiles.
PROFILES = """<clickhouse><profiles><default>
<distributed_foreground_insert>1</distributed_foreground_insert>
<prefer_global_in_and_join>1</prefer_global_in_and_join>
<allow_push_predicate_ast_for_distributed_subqueries>0</allow_push_predicate_ast_for_distributed_subqueries>
</default></profiles></clickhouse>
"""


@contextmanager
def cluster_of_two(folder: Path) -> Iterator[tuple[Sandbox, list[Settings]]]:
    """The cluster as its users know it, by the door, and its two nodes."""
    grants = folder / "grants.sql"
    grants.write_text(
        "".join(
            (ROOT / "loaders" / f"{name}.sql").read_text() for name in ("grants", "grants_cluster")
        )
    )
    nodes = [_settings(folder / f"node{number}") for number in (1, 2)]
    shards = "".join(SHARD.format(host=HOST, port=node.clickhouse_tcp_port) for node in nodes)
    running: list[subprocess.Popen[bytes]] = []
    door = ThreadingHTTPServer((HOST, free_port()), Door)
    door.nodes = [node.clickhouse_http_port for node in nodes]  # type: ignore[attr-defined]
    threading.Thread(target=door.serve_forever, daemon=True).start()
    try:
        for number, node in enumerate(nodes, 1):
            for kind, text in (
                ("config", CONFIG.format(shards=shards, number=number)),
                ("users", PROFILES),
            ):
                file = node.root / "clickhouse" / f"{kind}.d" / "cluster.xml"
                file.parent.mkdir(parents=True)
                file.write_text(text)
            env = {**environment(node), "GATEHOUSE_SANDBOX_GRANTS": str(grants)}
            running.append(_start(env))
        for node, process in zip(nodes, running, strict=True):
            _wait(node, process)
        env = {
            **environment(nodes[0]),
            "GATEHOUSE_TARGET": "cluster",
            "GATEHOUSE_CLICKHOUSE_CLUSTER": CLUSTER,
            "GATEHOUSE_CLICKHOUSE_REPLICATED": "false",
            "GATEHOUSE_CLICKHOUSE_HTTP_PORT": str(door.server_port),
        }
        yield Sandbox(Settings.from_env(env), env), nodes
    finally:
        door.shutdown()
        door.server_close()
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _settings(state: Path) -> Settings:
    return Settings.from_env({"GATEHOUSE_STATE": str(state), **own_ports()})


def _start(env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.clickhouse"],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _wait(node: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(Exception):
            ask(node, "transformer", "select 1")
            return
        time.sleep(0.2)
    raise TimeoutError(f"No answer of the server in {node.root}.")


class Door(BaseHTTPRequestHandler):
    """Passes requests on to the first node; `on cluster` and `set` to all of them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        everywhere, clauses = ON_CLUSTER.subn(b"", body)
        nodes = self.server.nodes  # type: ignore[attr-defined]
        nodes = nodes if clauses or body.lstrip().lower().startswith(b"set ") else nodes[:1]
        answers = [self._pass_on(node, everywhere) for node in nodes]
        # The first that failed, or else the first node's own.
        status, headers, text = next((it for it in answers if it[0] != 200), answers[0])
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in (
                "transfer-encoding",
                "content-length",
                "connection",
                "keep-alive",
            ):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _pass_on(self, port: int, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(HOST, port, timeout=600)
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in ("host", "content-length", "connection", "transfer-encoding")
        }
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nobody reads it."""
