"""What makes two questions to a model the same question, and the mark of an answer that came from the records.

Here is the one hash that recording and replaying share. Asking the records is `replay.py`'s; keeping them is not ours.
"""

import hashlib
import json

from omniclaude_dagster.providers.model import ChatRequest, ModelCall

# Provider of a call that no model worked for: its tokens, time and cost are those of the first time.
REPLAY_PROVIDER = "replay"


def request_sha256(request: ChatRequest, *, model: str) -> str:
    """Hash of what decides the answer: the model's own name, the messages, the limits, the schema.

    Not in it: who asks (correlation id, stage), how long may be waited, and which host answers.
    """
    question = {
        "model": model,
        "messages": [[message.role, message.content] for message in request.messages],
        "max_tokens": int(request.max_tokens),
        "temperature": float(request.temperature),
        "json_schema": request.json_schema,
    }
    # ASCII, so that text with half characters has a hash too.
    canonical = json.dumps(question, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def is_replayed(call: ModelCall) -> bool:
    """Whether the answer came from the records, so that it has been paid for already."""
    return call.provider == REPLAY_PROVIDER
