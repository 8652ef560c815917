"""One request of each kind, as it could really come in: for the OpenAPI document, its readers and the tests."""

from typing import Any, Final

SEARCH: Final[dict[str, Any]] = {
    "text": "COMPUTE node that joins the first name and the last name with a space",
    "node_kind": "COMPUTE",
    "inputs": {"first_name": "str", "last_name": "str"},
    "outputs": {"full_name": "str"},
    "limit": 3,
}
ASSIST: Final[dict[str, Any]] = {
    "prompt": "Create a COMPUTE node called FullName that joins the first name and the last name with a space",
    "limit": 3,
}
_CODE = '''"""Business logic."""


def full_name(first_name: str, last_name: str) -> str:
    """Join both names with a space."""
    return f"{first_name} {last_name}"
'''
PATTERN: Final[dict[str, Any]] = {
    "name": "FullName",
    "description": "Joins the first name and the last name with a space.",
    "node_kind": "COMPUTE",
    "domain": "people",
    "systems": [],
    "function": "full_name",
    "code": _CODE,
    "inputs": {"first_name": "str", "last_name": "str"},
    "outputs": {"full_name": "str"},
    "input_class": "ModelFullNameInput",
    "output_class": "ModelFullNameOutput",
    "contract": "name: full_name\n",
    "models": {"models/model_full_name_input.py": '"""Input."""\n'},
    "request": {"prompt": "COMPUTE node called FullName that joins the first name and the last name with a space"},
    "examples": [{"input": {"first_name": "Ada", "last_name": "Lovelace"}, "output": {"full_name": "Ada Lovelace"}}],
    "origin": "model",
    "quality_score": 0.98,
    "models_used": ["a-model"],
    "core_version": "0.47.57",
    "request_id": "full-name-1",
    "correlation_id": "0b0f3d0e-6f0a-4f5e-9a3c-5d1c2b7a9e11",
}
REPORTS: Final[dict[str, Any]] = {
    "rows": [
        {
            "id": "3f0a4b52-8d6a-4c39-9f3e-0d6f6f1f8f7e",
            "correlation_id": "0b0f3d0e-6f0a-4f5e-9a3c-5d1c2b7a9e11",
            "stage": "code_generation",
            "model_name": "a-model",
            "tokens_input": 412,
            "tokens_output": 96,
            "latency_ms": 812.5,
            "cost_usd": "0.000124",
            "quality_score": 0.97,
            "success": True,
            "timestamp": "2026-03-01T12:00:00Z",
        }
    ]
}
