"""SLA policies: how fast a ticket must be answered and resolved, by priority."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.world.desk.groups import Group

LOW, MEDIUM, HIGH, URGENT = 1, 2, 3, 4
HOUR = 3600


@dataclass(frozen=True)
class Target:
    """Seconds to the first response and to the resolution; business seconds, or plain ones."""

    respond_within: int
    resolve_within: int
    business_hours: bool

    @property
    def next_respond_within(self) -> int:
        """Seconds to each later response, from the question that it answers."""
        return self.respond_within


@dataclass(frozen=True)
class Policy:
    """The first active policy, by position, that applies to a ticket is the ticket's own."""

    policy_id: int
    name: str
    position: int
    targets: dict[int, Target]
    group_id: int | None = None
    ticket_type: str | None = None
    is_default: bool = False
    active: bool = True
    deleted: bool = False

    def applies_to(self, ticket_type: str, group_id: int | None) -> bool:
        """Whether a ticket of this type in this group is one of its own."""
        if not self.active or self.deleted:
            return False
        return self.ticket_type in (None, ticket_type) and self.group_id in (None, group_id)


def policies(groups: dict[str, Group]) -> tuple[Policy, ...]:
    """All policies of the account, by position."""
    return (
        Policy(
            21000208401,
            "Gate systems, around the clock",
            1,
            {
                URGENT: Target(HOUR // 4, 2 * HOUR, business_hours=False),
                HIGH: Target(HOUR // 2, 4 * HOUR, business_hours=False),
                MEDIUM: Target(2 * HOUR, 12 * HOUR, business_hours=False),
                LOW: Target(8 * HOUR, 48 * HOUR, business_hours=False),
            },
            group_id=groups["gates"].group_id,
        ),
        Policy(
            21000208402,
            "Service requests",
            2,
            {
                URGENT: Target(2 * HOUR, 8 * HOUR, business_hours=True),
                HIGH: Target(6 * HOUR, 18 * HOUR, business_hours=True),
                MEDIUM: Target(12 * HOUR, 45 * HOUR, business_hours=True),
                LOW: Target(24 * HOUR, 90 * HOUR, business_hours=True),
            },
            ticket_type="Service Request",
        ),
        Policy(
            21000208403,
            "Launch season",
            3,
            {
                URGENT: Target(HOUR // 2, 2 * HOUR, business_hours=True),
                HIGH: Target(HOUR, 6 * HOUR, business_hours=True),
                MEDIUM: Target(4 * HOUR, 12 * HOUR, business_hours=True),
                LOW: Target(12 * HOUR, 36 * HOUR, business_hours=True),
            },
            active=False,
        ),
        Policy(
            21000208400,
            "Default SLA Policy",
            4,
            {
                URGENT: Target(1 * HOUR, 4 * HOUR, business_hours=True),
                HIGH: Target(4 * HOUR, 12 * HOUR, business_hours=True),
                MEDIUM: Target(8 * HOUR, 24 * HOUR, business_hours=True),
                LOW: Target(24 * HOUR, 72 * HOUR, business_hours=True),
            },
            is_default=True,
        ),
    )


def policy_for(policies: tuple[Policy, ...], ticket_type: str, group_id: int | None) -> Policy:
    """The policy that decides: the first by position, the default last of all."""
    return next(policy for policy in policies if policy.applies_to(ticket_type, group_id))
