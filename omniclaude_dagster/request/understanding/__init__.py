"""Understanding a prompt by rules: kind, name, domain, operations, systems, features, fields and steps.

`understand` is pure and deterministic; its confidence is calibrated (see `confidence.py`). Asking a model for what the
rules left open is stage 1's business; the pure halves of that step live in `model_prompt.py`.
"""

from omniclaude_dagster.request.understanding.understand import understand

__all__ = ["understand"]
