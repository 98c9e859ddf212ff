from pathlib import Path

import pytest

from sandbox.clickhouse_config import GRANTS, read_grants
from sandbox.settings import SettingsError


def test_statements_are_read_by_user_and_without_grantee(tmp_path: Path) -> None:
    sql = tmp_path / "grants.sql"
    sql.write_text(
        "-- a comment; with a semicolon\n"
        "grant select on raw.* to loader;\n"
        "GRANT SELECT(a, b)\n  ON raw.t TO reader;\n"
        "revoke select on raw.secret from loader;\n"
    )
    granted = read_grants(sql)
    assert granted["loader"] == ["grant select on raw.*", "revoke select on raw.secret"]
    assert granted["reader"] == ["GRANT SELECT(a, b) ON raw.t"]
    assert granted["operator"] == []


@pytest.mark.parametrize("statement", ["grant select on a.* to nobody", "drop table a.b", "grant"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, statement: str) -> None:
    sql = tmp_path / "grants.sql"
    sql.write_text(f"{statement};\n")
    with pytest.raises(SettingsError, match="cannot read"):
        read_grants(sql)


def test_every_user_has_grants() -> None:
    assert all(read_grants(GRANTS).values())
