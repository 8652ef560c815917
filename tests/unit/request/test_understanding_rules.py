"""Each family of rules of prompt understanding, with what it must not take for its own."""

import pytest

from omniclaude_dagster.request.model import FieldHint, NodeKind
from omniclaude_dagster.request.understanding import understand


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Create an EFFECT node for billing", "EFFECT"),
        ("a reducer that handles clicks", "REDUCER"),
        ("node type: compute, doubles a value", "COMPUTE"),
        ("Create effect-node user_writer for users", "EFFECT"),
        ("NodeUserWriterEffect for users", "EFFECT"),
        ("not an EFFECT but a COMPUTE node that adds numbers", "COMPUTE"),
    ],
)
def test_a_kind_that_is_said_outright_is_taken_with_high_confidence(prompt: str, kind: str) -> None:
    parsed = understand(prompt)
    assert parsed.node_kind == kind
    assert parsed.kind_confidence > 0.95


@pytest.mark.parametrize(
    "prompt",
    ["study the effect of rain on sales", "no side effects please", "things that take effect tomorrow"],
)
def test_the_plain_word_effect_is_not_the_kind(prompt: str) -> None:
    assert understand(prompt).node_kind is not NodeKind.EFFECT


@pytest.mark.parametrize(
    ("prompt", "systems"),
    [
        ("EFFECT node that mails the monthly report", ("SMTP",)),
        ("EFFECT node called Welcome that sends an email to a new user", ("SMTP",)),
        ("EFFECT node that stores the image in S3 and sends an email with its link", ("S3", "SMTP")),
        ("EFFECT node that sends emails through the HTTP API of our provider", ("HTTP API",)),
        ("EFFECT node that finds users by email in MongoDB", ("MongoDB",)),
        ("ORCHESTRATOR node: charge the card, then send an email", ()),
    ],
)
def test_an_effect_that_sends_mail_works_on_smtp_though_nobody_says_so(prompt: str, systems: tuple[str, ...]) -> None:
    assert understand(prompt).external_systems == systems


def test_fields_listed_after_a_semicolon_are_fields() -> None:
    parsed = understand("COMPUTE node called Tax that computes a tax; fields gross, rate")
    assert [field.name for field in parsed.fields] == ["gross", "rate"]
    assert understand("COMPUTE node that clears agricultural data of fields used twice").fields == ()


def test_two_kinds_give_the_subject_with_low_confidence_and_a_question() -> None:
    parsed = understand("Create an EFFECT that calls a COMPUTE node")
    assert parsed.node_kind is NodeKind.EFFECT
    assert parsed.confidence < 0.75
    assert any("EFFECT and COMPUTE" in question for question in parsed.questions)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("EFFECT node called PostgresCRUD for orders", "PostgresCRUD"),
        ("EFFECT node called User2ServiceV3 that runs", "User2ServiceV3"),
        ("EFFECT node called Test@Node# that handles $pecial characters!", "Test"),
        ("COMPUTE node: DataTransformCompute", "DataTransformCompute"),
        ("Name: RestAPI for orders", "RestAPI"),
        ("EFFECT node\nName: user-writer\nDomain: users", "UserWriter"),
        ('a node named "order history writer" for mongo', "OrderHistoryWriter"),
        ("sums values. Call it invoice totals, please", "InvoiceTotals"),
        ("InvoiceParser: extracts the lines of an invoice", "InvoiceParser"),
        ("we need an OrderTracker which follows orders", "OrderTracker"),
        ("a CacheManager node", "CacheManager"),
        ("the component LeapYears says if a year is a leap year", "LeapYears"),
        ("NodeUserWriterEffect writes users", "UserWriter"),
        ("Crée un nœud EFFECT nommé UserWriter", "UserWriter"),
    ],
)
def test_a_said_name_keeps_its_casing(prompt: str, name: str) -> None:
    parsed = understand(prompt)
    assert parsed.name == name
    assert parsed.name_confidence > 0.9


@pytest.mark.parametrize(
    ("prompt", "not_name"),
    [
        ("Write to PostgreSQL and MongoDB", "PostgreSQL"),
        ("COMPUTE node that applies TaxRules to an Invoice", "TaxRules"),
        ("calls the PriceCalculator node and stores the result in Redis", "PriceCalculator"),
        ("EFFECT node that stores users with user_id: UUID, name: str", "Str"),
        ("We want it to be called when a user logs in", "When"),
        ("called EFFECT", "EFFECT"),
        ("EFFECT node For database writes", "For"),
    ],
)
def test_what_only_looks_like_a_name_is_not_taken(prompt: str, not_name: str) -> None:
    assert understand(prompt).name != not_name


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Create EFFECT node for PostgreSQL writes", "PostgreSQLWriter"),
        ("Create COMPUTE node for pricing calculation", "PricingCalculator"),
        ("EFFECT node sends email via SMTP", "EmailSender"),
        ("Node that aggregates user statistics", "UserStatisticsAggregator"),
        ("Build a postgres adapter effect node", "PostgreSQLAdapter"),
        ("Create COMPUTE node for JSON data transformation", "JSONDataTransformer"),
        ("Work out the shipping costs from weight", "ShippingCostCalculator"),
    ],
)
def test_a_name_is_derived_from_what_the_node_does(prompt: str, name: str) -> None:
    parsed = understand(prompt)
    assert parsed.name == name
    assert parsed.class_name == f"Node{name}{parsed.node_kind.capitalize()}" if parsed.node_kind else False


def test_nothing_is_derived_where_nothing_is_said() -> None:
    parsed = understand("Create an EFFECT node")
    assert (parsed.node_kind, parsed.name, parsed.class_name) == (NodeKind.EFFECT, None, None)
    assert any("called" in question for question in parsed.questions)
    assert parsed.confidence < 0.5


@pytest.mark.parametrize("raw", ["import", "class", "json", "../../etc/passwd", "A" * 300, "\N{PILE OF POO}"])
def test_a_name_that_cannot_be_used_is_not_taken(raw: str) -> None:
    parsed = understand(f"Create an EFFECT node named {raw}")
    assert parsed.name is None
    assert parsed.questions


def test_hints_win_over_the_text() -> None:
    parsed = understand(
        "EFFECT node called Foo in the bar domain", node_kind=NodeKind.COMPUTE, name="Other", domain="tax"
    )
    assert (parsed.node_kind, parsed.name, parsed.class_name, parsed.domain) == (
        NodeKind.COMPUTE, "Other", "NodeOtherCompute", "tax",
    )  # fmt: skip
    assert parsed.confidence == pytest.approx(1.0)


def test_a_hinted_name_that_is_unsafe_gets_no_class_name_and_a_question() -> None:
    parsed = understand("EFFECT node for writes", name="../x")
    assert (parsed.name, parsed.class_name) == ("../x", None)
    assert parsed.confidence < 0.5
    assert any("'../x'" in question for question in parsed.questions)


@pytest.mark.parametrize(
    ("prompt", "domain"),
    [
        ("EFFECT node in the data_services domain", "data_services"),
        ("Writer. Domain: User Management", "user_management"),
        ("COMPUTE node: Price (pricing_engine domain)", "pricing_engine"),
        ("publishes shipment events to Kafka", "messaging"),
        ("draw a circle", "general"),
    ],
)
def test_the_domain_is_said_or_follows_from_words(prompt: str, domain: str) -> None:
    assert understand(prompt).domain == domain


@pytest.mark.parametrize(
    ("prompt", "systems"),
    [
        ("reads from Postgres, caches in Redis and publishes to Kafka", ("PostgreSQL", "Redis", "Kafka")),
        ("write rows to postgress", ("PostgreSQL",)),
        ("get it from https://example.com/x", ("HTTP API",)),
        ("save as /var/reports/x.csv", ("Files",)),
        ("PostgresCRUD for orders", ("PostgreSQL",)),
        ("take the rest of the rows and discard the api key", ()),
        ("compute the square of a number", ()),
    ],
)
def test_external_systems_are_named_canonically(prompt: str, systems: tuple[str, ...]) -> None:
    assert understand(prompt).external_systems == systems


def test_features_are_found_and_negated_ones_are_not() -> None:
    assert set(understand("writes rows with retry logic and a timeout, in batches").features) >= {
        "retry", "timeout", "batching",
    }  # fmt: skip
    assert "caching" not in understand("writes rows without caching").features


def test_operations_are_verb_and_object_in_order_and_at_most_ten() -> None:
    assert understand("EFFECT node creates records, updates users, and deletes entries").operations == (
        "create_records", "update_users", "delete_entries",
    )  # fmt: skip
    many = ", ".join(f"writes {chr(97 + i)}rows" for i in range(20))
    assert len(understand(f"EFFECT node {many}").operations) == 10
    assert understand("Create an EFFECT node").operations == ()


@pytest.mark.parametrize(
    ("prompt", "fields"),
    [
        ("tax with fields net (float) and rate", (FieldHint("net", "number"), FieldHint("rate"))),
        ("stores user_id: UUID, name: str", (FieldHint("user_id", "string/uuid"), FieldHint("name", "string"))),
        ("takes x and y and returns the sum", (FieldHint("x"), FieldHint("y"))),
        ("given a list of integers, find the median", (FieldHint("values", "array<integer>"),)),
        ("takes number (str) and country (str)", (FieldHint("number", "string"), FieldHint("country", "string"))),
        ("with fields tags: list[str]", (FieldHint("tags", "array<string>"),)),
    ],
)
def test_fields_a_person_names_become_hints(prompt: str, fields: tuple[FieldHint, ...]) -> None:
    assert understand(prompt).fields == fields


@pytest.mark.parametrize(
    "prompt",
    ["it takes a long time and costs money", "Given the circumstances, we should stop", "Domain: data, note: text me"],
)
def test_ordinary_sentences_have_no_fields(prompt: str) -> None:
    assert understand(prompt).fields == ()


@pytest.mark.parametrize(
    ("prompt", "steps"),
    [
        ("ORCHESTRATOR node for checkout: validate, charge, then ship", ("validate", "charge", "ship")),
        (
            "ORCHESTRATOR: Coordinates inventory check, payment, shipping, and notification steps.",
            ("inventory_check", "payment", "shipping", "notification"),
        ),
        ("ORCHESTRATOR node runs build, test and deploy one after the other", ("build", "test", "deploy")),
        ("orchestrate prep -> train -> evaluate", ("prep", "train", "evaluate")),
        ("ORCHESTRATOR: first reserve the stock, then charge the card", ("reserve_stock", "charge_card")),
    ],
)
def test_the_steps_of_a_workflow_are_read_in_order(prompt: str, steps: tuple[str, ...]) -> None:
    assert understand(prompt).steps == steps


@pytest.mark.parametrize("prompt", ["EFFECT node: read, write, then delete rows", "ORCHESTRATOR node for orders"])
def test_other_kinds_and_bare_requests_have_no_steps(prompt: str) -> None:
    assert understand(prompt).steps == ()


def test_typing_errors_of_one_slip_are_forgiven_and_other_words_are_not() -> None:
    assert understand("Calcualte the monthly payment").node_kind is NodeKind.COMPUTE
    assert understand("agregates clicks of users").node_kind is NodeKind.REDUCER
    assert understand("a manager for the products").node_kind is not NodeKind.COMPUTE


def test_as_json_has_the_published_keys() -> None:
    assert set(understand("EFFECT node called Foo").as_json()) == {
        "node_kind", "name", "class_name", "domain", "operations", "external_systems", "features", "confidence",
        "questions",
    }  # fmt: skip


def test_a_step_whose_verb_nobody_knows_is_not_lost_between_known_ones() -> None:
    assert understand("ORCHESTRATOR that picks, packs, then ships").steps == ("pick", "pack", "ship")


def test_objects_in_a_list_are_no_steps() -> None:
    prompt = "ORCHESTRATOR that validates name, address and email, then saves the customer"
    assert understand(prompt).steps == ("validate_name", "save_customer")
