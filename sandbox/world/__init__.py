"""The world: a deterministic generator of everything the source systems know.

    people, venues ─┬─> events ─> sessions, seats ─> registrations ─┬─> topic (records, dirt)
                    │                                  happenings ──┴─> attendance (doors, phones)
                    └─> desk: requesters, agents, groups, calendars, policies, tickets

Everything follows from (seed, scale, start, days, dirt) and the world's clock. A record draws its
fate from a die of its own, thrown by (seed, kind, id), so a new kind of record shifts no other.
"""

from sandbox.world.world import World

__all__ = ["World"]
