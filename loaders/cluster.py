"""Raw tables on a cluster: Distributed over local ones, by the hash of the sort key.

What lands twice has the same sort key, so it lands on one shard, where it merges.
"""

import os
import re
from collections.abc import Mapping

_STATEMENT = re.compile(
    r"create table if not exists raw\.(?P<name>\w+)(?P<columns>.*?)"
    r"\nengine = (?P<engine>\w+)(?P<rest>.*?\norder by (?P<key>[^\n]+).*)",
    re.S,
)


def on_cluster(statement: str, env: Mapping[str, str] = os.environ) -> list[str]:
    """Return what makes a raw table: where no cluster is named, the statement itself."""
    cluster = env.get("GATEHOUSE_CLICKHOUSE_CLUSTER")
    found = _STATEMENT.search(statement)
    if not cluster or not found:
        return [statement]
    name, engine = found["name"], found["engine"]
    if env.get("GATEHOUSE_CLICKHOUSE_REPLICATED", "true") == "true":
        engine = f"Replicated{engine}"
    return [
        f'create table if not exists raw.{name}_local on cluster "{cluster}"{found["columns"]}'
        f"\nengine = {engine}{found['rest']}",
        f'create table if not exists raw.{name} on cluster "{cluster}" as raw.{name}_local'
        f" engine = Distributed('{cluster}', raw, {name}_local, cityHash64({found['key']}))",
    ]
