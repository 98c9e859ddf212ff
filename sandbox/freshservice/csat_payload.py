"""An answer to the satisfaction survey as the API writes it, in either of two shapes."""

from __future__ import annotations

from typing import Any

from sandbox.world.desk.surveys import Survey
from sandbox.world.dice import Dice

QUESTION = "How satisfied are you with the service you received?"
COMMENTS = ("Great 🎫", "Took too long.", "Danke!", "빨라요", "I had to call three times.")


def csat_payload(seed: int, answer: Survey) -> dict[str, Any]:
    """The value of csat_response. Clients of the real API read one shape or the other."""
    dice = Dice(seed, "survey-text", answer.survey_id)
    # A code alone does not say out of how many, so five stars are always told as a score.
    coded = dice.chance(0.5) and answer.total == 4
    rating = (
        {
            "overall_rating": answer.acquired,
            "overall_rating_text": f"{answer.acquired}/{answer.total}",
        }
        if coded
        else {"score": {"acquired_score": answer.acquired, "total_score": answer.total}}
    )
    comments = [
        {
            "question": {"question_text": "Any other feedback?"},
            "answers": [{"answer_text": dice.one_of(COMMENTS)}],
        }
    ]
    return {
        "id": answer.survey_id,
        **rating,
        "primary_question": QUESTION,
        "questionnaire_responses": comments if dice.chance(0.4) else [],
        "created_at": answer.at,
        "updated_at": answer.changed_at or answer.at,
    }
