"""The queries of Grafana's dashboards, as Grafana would send them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "monitoring" / "grafana"
# By the uid of the datasource, as provisioned: who asks.
USERS = {"gatehouse-marts": "reader", "gatehouse-quality": "monitor"}
_MACROS = {
    r"\$__timeFilter\((\w+)\)": r"\1 >= toDateTime(0) and \1 <= now()",
    r"\$__dateFilter\((\w+)\)": r"\1 >= toDate(0) and \1 <= today()",
    r"\$__rate_interval": "5m",
}


@dataclass(frozen=True)
class Query:
    """A query with its macros filled in; `user` is empty where it is Prometheus that is asked."""

    dashboard: str
    panel: str
    user: str
    text: str

    def tables(self) -> set[str]:
        """Return the tables that it reads."""
        return set(re.findall(r"\b(?:marts|realtime|quality)\.(\w+)", self.text))


def dashboards() -> dict[str, dict[str, Any]]:
    """Return the dashboards by the names of their files."""
    return {
        path.stem: json.loads(path.read_text())
        for path in sorted((FOLDER / "dashboards").glob("*.json"))
    }


def queries() -> Iterator[Query]:
    """Give every query of every dashboard, of its variables first."""
    for name, board in dashboards().items():
        for variable in board["templating"]["list"]:
            user = USERS[variable["datasource"]["uid"]]
            yield Query(name, variable["name"], user, variable["query"])
        filled = {
            rf"\$\{{{it['name']}:singlequote\}}": f"(select __value from ({it['query']}) limit 1)"
            for it in board["templating"]["list"]
        }
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                text = target["rawSql"] if "rawSql" in target else target["expr"]
                for macro, meaning in {**_MACROS, **filled}.items():
                    text = re.sub(macro, meaning, text)
                yield Query(name, panel["title"], USERS.get(target["datasource"]["uid"], ""), text)
