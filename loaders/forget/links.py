"""What is theirs: from what was given to the accounts, addresses, phones and registrations."""

# ruff: noqa: S608  statements are put together of names that the server told and of our own words

from loaders import event_management, freshservice, integrated_platform, user_app
from loaders.forget.tables import REGISTRATIONS, json_text
from loaders.forget.worklist import WorkList

_PROFILES = integrated_platform.PROFILES.table
_LINKED = "raw.pseudonym_links"
_REQUESTERS = f"{freshservice.SOURCE}__requesters"


class Links:
    """Follow what the tables say belongs together.

    Parameters
    ----------
    todo
        The list, with what was given on it. What is found is put there.
    there
        The tables that there are.
    """

    def __init__(self, todo: WorkList, there: set[str]) -> None:
        self._todo = todo
        self._there = there

    def follow(self) -> None:
        """Find everything that is theirs alone."""
        known = 0
        while known < (known := self._todo.counts().get("person", 0)):
            self._find_other_keys("person")
            self._find_accounts()
        self._find_devices()
        self._find_other_keys("device")
        self._find_registrations()
        self._find_events()

    def _find_other_keys(self, kind: str) -> None:
        """Add what the same was called under other keys: all that is linked to one is linked."""
        of = f"select {{}} as value, {{}} as of_theirs from {_LINKED}"
        for pair in (("first_pseudonym", "pseudonym"), ("pseudonym", "first_pseudonym")):
            self._todo.add_of_theirs(kind, of.format(*pair), by=kind)

    def _find_accounts(self) -> None:
        """Add the accounts of an address, and the addresses of an account or a requester.

        An address that several accounts use leads to none of them, and is not theirs alone.
        """
        accounts = self._pairs(
            (REGISTRATIONS, "user_id", "email_pseudonym"),
            ("staging.stg_integrated_platform__profiles", "user_id", "email_pseudonym"),
            (f"raw.{event_management.TABLE}", json_text("data.user_id"), json_text("data.email")),
            (f"raw.{_PROFILES}", json_text("user_id"), json_text("email")),
            # What only broken records say belongs together: see letters.py.
            (f"({self._todo.listed('account')})", _word(1), _word(2)),
        )
        further = "arrayJoin(JSONExtract(payload, 'secondary_emails', 'Array(String)'))"
        requesters = self._pairs((f"raw.{_REQUESTERS}", json_text("primary_email"), further))
        for pairs in (accounts, requesters):
            one_owner = f"{pairs} group by y having uniqExact(x) = 1"
            self._todo.add_of_theirs(
                "person", f"select any(x) as value, y as of_theirs from {one_owner}"
            )
            self._todo.add_of_theirs(
                "person", f"select y as value, any(x) as of_theirs from {one_owner}"
            )

    def _find_devices(self) -> None:
        """Add the phones that nobody else used: a device is its owner."""
        pairs = self._pairs(
            ("marts.fct_app_events", "user_key", "device_id"),
            (f"raw.{user_app.TABLE}", json_text("user_id"), json_text("device_info.device_id")),
        )
        one_owner = f"{pairs} group by y having uniqExact(x) = 1"
        self._todo.add_of_theirs(
            "device", f"select y as value, any(x) as of_theirs from {one_owner}"
        )

    def _find_registrations(self) -> None:
        """Add the registrations that they ever held: folded anew from what is left of them."""
        pairs = self._pairs((REGISTRATIONS, "user_id", "registration_id"))
        self._todo.add_of_theirs("registration", f"select y as value, x as of_theirs from {pairs}")

    def _find_events(self) -> None:
        """Add the events at which the app told of them."""
        pairs = self._pairs(
            ("marts.fct_app_events", "user_key", "event_id"),
            (f"raw.{user_app.TABLE}", json_text("user_id"), "event_id"),
        )
        self._todo.add_of_theirs("event", f"select y as value, x as of_theirs from {pairs}")

    def registrations_of_them_alone(self) -> set[str]:
        """Return those of their registrations that nobody else ever held."""
        pairs = self._pairs((REGISTRATIONS, "user_id", "registration_id"))
        found = self._todo.rows(
            f"select y from {pairs} where {self._todo.has('y', 'registration')} "
            f"group by y having min({self._todo.has('x', 'person')})"
        )
        return {registration for (registration,) in found}

    def _pairs(self, *columns: tuple[str, str, str]) -> str:
        """Return the rows (x, y) of those of the tables that are there, none of them empty.

        An owner, x, goes by one pseudonym, as staging has it.
        """
        parts = [
            f"select ifNull({x}, '') as x, ifNull({y}, '') as y from {table} "
            "where x != '' and y != ''"
            for table, x, y in columns
            if table in self._there or table.startswith("(")
        ]
        nothing = "select '' as x, '' as y where false"
        return (
            "(select distinct if(first_pseudonym != '', first_pseudonym, x) as x, y "
            f"from ({' union distinct '.join(parts or [nothing])}) as pairs "
            f"left any join {_LINKED} as links on pairs.x = links.pseudonym)"
        )


def _word(number: int) -> str:
    return f"splitByChar(' ', value)[{number}]"
