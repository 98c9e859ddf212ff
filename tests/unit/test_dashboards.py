"""Dashboards and alerts ask for what there is."""

import re

from loaders.stream.telemetry import Telemetry
from tests import dashboards
from tests.dashboards import FOLDER, ROOT


def test_every_panel_asks_a_datasource_that_is_provisioned() -> None:
    provisioned = (FOLDER / "provisioning" / "datasources" / "gatehouse.yml").read_text()
    uids = set(re.findall(r"uid: (\S+)", provisioned))
    for name, board in dashboards.dashboards().items():
        asked = {panel["datasource"]["uid"] for panel in board["panels"] if "targets" in panel}
        assert asked <= uids, name
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), name
        assert "$__" not in "".join(query.text for query in dashboards.queries())


def test_dashboards_and_alerts_ask_for_metrics_that_are_shown() -> None:
    code = (ROOT / "loaders" / "exporter.py").read_text()
    shown = {f"gatehouse_{name}" for name in re.findall(r'(?:Family\(\s*|_gauge\()"(\w+)"', code)}
    for family in Telemetry().registry.collect():
        ending = "_total" if family.type == "counter" else ""
        shown.add(f"{family.name}{ending}")
        if family.type == "histogram":
            shown.add(f"{family.name}_bucket")
    rules = "".join(path.read_text() for path in (ROOT / "monitoring").rglob("rules/*.yml"))
    boards = " ".join(query.text for query in dashboards.queries() if not query.user)
    asked = set(re.findall(r"gatehouse_\w+", f"{rules} {boards}"))
    assert len(asked) > 20
    assert asked <= shown
