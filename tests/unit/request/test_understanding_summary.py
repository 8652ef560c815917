"""The task in one sentence, without the words that only ask for a node."""

import pytest

from omniclaude_dagster.request.understanding.summary import task_sentence


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("Create EFFECT node for PostgreSQL writes", "PostgreSQL writes."),
        ("COMPUTE node called LineTotal that multiplies price by quantity", "Multiplies price by quantity."),
        ("Build me an ORCHESTRATOR node named `Flow` to run steps", "Run steps."),
        ("REDUCER node: counts things", "Counts things."),
        ("sends welcome mails over SMTP", "Sends welcome mails over SMTP."),
        ("Nodes of a graph are counted", "Nodes of a graph are counted."),
        ("node", "Node."),
    ],
)
def test_the_task_is_what_is_left(prompt: str, sentence: str) -> None:
    assert task_sentence(prompt) == sentence


def test_a_long_request_is_cut_at_a_word() -> None:
    sentence = task_sentence("adds " * 1_000)
    assert len(sentence) <= 601
    assert set(sentence.rstrip(".").lower().split()) == {"adds"}
