"""What requesters write: subjects, HTML with emoji, names and phone numbers that must not leak."""

from __future__ import annotations

from html import escape

from sandbox.world.desk.births import Birth
from sandbox.world.dice import Dice

OPENINGS = ("Hello team", "Hi", "Dear service desk", "Hallo zusammen", "안녕하세요")
DETAILS = (
    "It began this morning and nothing helped so far.",
    "Others in the room see the same.",
    "We open the doors in two hours, please hurry!",
    "It worked yesterday. I restarted it twice.",
    "Es eilt nicht, aber es stört.",
)
# Four bytes each in UTF-8: what breaks a `utf8` that is none.
EMOJI = ("🙏", "😀", "🎫", "🚨", "🧾")


class TicketText:
    """The words of one ticket."""

    def __init__(self, seed: int, birth: Birth) -> None:
        dice = Dice(seed, "ticket-text", birth.ticket_id)
        who = birth.requester.person
        place = f"hall {1 + dice.below(9)}" if dice.chance(0.5) else f"room {100 + dice.below(400)}"
        emoji = dice.one_of(EMOJI) if dice.chance(0.35) else ""
        self.subject = f"{birth.topic.subject} ({place}) {emoji}".strip()
        greeting, detail = dice.one_of(OPENINGS), dice.one_of(DETAILS)
        call = f"Call me: {who.phone}. " if dice.chance(0.4) else ""
        lines = (f"{greeting},", f"{birth.topic.subject} in {place}. {detail} {emoji}".strip())
        self._lines = (*lines, f"{call}Regards, {who.full_name}")

    @property
    def html(self) -> str:
        """As the editor stores it."""
        return "<div>" + "<br>".join(escape(line) for line in self._lines) + "</div>"

    @property
    def plain(self) -> str:
        """Without the markup."""
        return " ".join(self._lines)
