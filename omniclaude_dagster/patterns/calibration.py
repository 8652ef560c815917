"""How similar an embedding model calls texts that have nothing to do with each other.

For some models that is 0, for others 0.7: without knowing, no bound on similarity holds for more than one model.
"""

import numpy as np

from omniclaude_dagster.patterns.model import Embedder
from omniclaude_dagster.patterns.similarity import Figures, similarities

_UNRELATED = (
    "Calculate the sales tax of an invoice",
    "Send a welcome mail to a new member",
    "Check whether a number is prime",
    "Store the temperature of a sensor in a database",
    "Count the vowels in a word",
    "Resize the photograph of a product",
    "Route a parcel to the nearest warehouse",
    "Translate a sentence into French",
    "Encrypt a file with a password",
    "Average the scores of each player",
    "Parse the date at the start of a log line",
    "Draw the orbit of a satellite",
)
# A model above this tells nothing apart.
_MAX_BASELINE = 0.9
_DECIMALS = 3


def baseline_of(embedder: Embedder) -> float:
    """The mean cosine of unrelated texts, in [0, 0.9]. Raises EmbeddingUnavailableError."""
    rows = embedder.embed(_UNRELATED)
    pairs = [similarities(rows[:number], rows[number]) for number in range(1, len(rows))]
    mean = float(np.mean(np.concatenate(pairs)))
    return round(min(max(mean, 0.0), _MAX_BASELINE), _DECIMALS) if np.isfinite(mean) else 0.0


def above(baseline: float, cosines: Figures) -> Figures:
    """Cosines so that unrelated texts have 0 and equal ones 1; never below 0."""
    return np.clip((cosines - baseline) / (1.0 - baseline), 0.0, 1.0)
