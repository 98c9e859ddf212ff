"""Activities: a ticket's history in prose, with the names of persons in it.

A sentence keeps its words where its shape is known, because the history is read off them
downstream. What may stay is decided here and nowhere else; a sentence of no known shape is replaced
whole, and the load reports how many there were.
"""

import re
from collections.abc import Iterator

from loaders.door import Record
from loaders.privacy import Privacy, name

# Fields whose values are the account's own vocabulary.
_VOCABULARY = (
    "Status|Priority|Urgency|Impact|Source|Type|Group|Category|Sub-Category|Item|Department|"
    "Workspace|Approval Status|Risk|Change Type"
)
_PERSON = "Agent|Requester|Requested for|Managed by"
_NOBODY = {"none", "unassigned", "--", "-"}

# What is done to the ticket itself: nobody is named but by its number.
_DEEDS = (
    "created this ticket",
    "deleted this ticket",
    "restored this ticket",
    "closed this ticket",
    "reopened this ticket",
    "marked this ticket as spam",
    "unmarked this ticket as spam",
    "marked this ticket as not spam",
    "removed this ticket from spam",
    r"merged this ticket into (?:ticket )?#?\d+",
    r"merged (?:tickets? )?#?\d+(?:, #?\d+)* into this ticket",
    r"merged into (?:ticket )?#?\d+",
)
_STAYS = re.compile(
    rf"(?:set (?:{_VOCABULARY}) as .+|executed .+|{'|'.join(_DEEDS)})", re.DOTALL | re.IGNORECASE
)
_NAMES = re.compile(rf"(set (?:{_PERSON}) as )(.+)", re.DOTALL | re.IGNORECASE)
_CLAUSE = re.compile(r", (?=set )")
UNKNOWN = "content: a sentence of no known shape"


def rewrite(activity: Record, privacy: Privacy) -> Iterator[str]:
    """Replace the names in an activity's sentences, and yield a note for each that is unknown."""
    for key in ("content", "sub_contents"):
        told = activity.get(key)
        if isinstance(told, list):
            sentences = [str(sentence) for sentence in told if sentence is not None]
            written = [_sentence(sentence, privacy) for sentence in sentences]
            activity[key] = written
        elif isinstance(told, str) and told:
            sentences = [told]
            activity[key] = _sentence(told, privacy)
            written = [activity[key]]
        else:
            continue
        for sentence, safe in zip(sentences, written, strict=True):
            if sentence and safe == privacy.pseudonym(sentence):
                yield UNKNOWN


def _sentence(sentence: str, privacy: Privacy) -> str:
    if not sentence:
        return sentence
    clauses = [_clause(clause, privacy) for clause in _CLAUSE.split(sentence)]
    known = [clause for clause in clauses if clause is not None]
    return ", ".join(known) if len(known) == len(clauses) else privacy.pseudonym(sentence)


def _clause(clause: str, privacy: Privacy) -> str | None:
    if found := _NAMES.fullmatch(clause):
        field, person = found.groups()
        nobody = person.strip().casefold() in _NOBODY
        return clause if nobody else field + privacy.person(name(person))
    return clause if _STAYS.fullmatch(clause) else None
