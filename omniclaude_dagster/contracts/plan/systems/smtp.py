"""SMTP: one mail, handed over once, over a verified connection."""

from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One mail of {plan.stem}.",
        (
            FieldSpec("to", "list[str]", "Addresses of the recipients.",
                      constraints={"min_length": 1, "max_length": 50}),
            FieldSpec("subject", "str", "Subject line.",
                      constraints={"min_length": 1, "max_length": 500, "pattern": r"^[^\r\n\x00]+$"}),
            FieldSpec("text", "str", "The mail as plain text."),
            FieldSpec("html", "str", "The same as HTML, if there is one.", '""'),
            FieldSpec("cc", "list[str]", "Addresses of further recipients.", "list", {"max_length": 50}),
            FieldSpec("reply_to", "str", "Where answers go, if not to the sender.", '""', {"max_length": 254}),
            FieldSpec("idempotency_key", "str", "What makes this mail the same mail when it is sent again.", '""',
                      {"max_length": 200}),
            operation_field(enum),
        ),
    )  # fmt: skip
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What became of the mail of {plan.stem}.",
        (
            FieldSpec("message_id", "str", "Message-ID; the same key gives the same one."),
            FieldSpec("accepted", "list[str]", "Recipients for whom the server took the mail.", "list"),
            FieldSpec("refused", "dict[str, str]", "Recipients the server refused, and its words.", "dict"),
            FieldSpec("attempts", "int", "Sessions that were opened.", "1", {"ge": 1}),
        ),
    )
    sample = {"to": ["ada@example.org"], "subject": "Welcome", "text": "Hello Ada."}
    return SystemModels(input_model, output_model, sample)


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    del blueprint
    return {"support_names": ["MemorySession", "parsed", "prepare"]}


SMTP = System(
    name="SMTP",
    flavour="smtp",
    effect_type="API_CALL",
    operation_prefix="mail",
    operation_words={"send": ("send", "sends", "sender", "mail", "mails", "email", "emails", "notify", "notifies")},
    models=_models,
    side_effect='f"{request.operation.value}:{result.message_id}"',
    opener="open_session",
    requirements=("aiosmtplib>=5,<6",),
    environment={
        "SMTP_HOST": "mail server",
        "SMTP_SENDER": "address the mails come from",
        "SMTP_PORT": "port; default: 587, or 465 for tls and 25 for none",
        "SMTP_SECURITY": "starttls (default), tls, or none",
        "SMTP_USERNAME": "account, if the server wants one",
        "SMTP_PASSWORD": "password of the account",
        "SMTP_CA_FILE": "certificates to trust instead of the system's",
    },
    client_imports=(("aiosmtplib", "SMTP"),),
    template_context=_context,
)
