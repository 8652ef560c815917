"""Phrases that hint at a node's kind, as data. Weights are evidence like those of the verbs.

A phrase matches whole words of the lower-case prompt.
"""

from omniclaude_dagster.request.model import NodeKind

_E, _C, _R, _O = NodeKind.EFFECT, NodeKind.COMPUTE, NodeKind.REDUCER, NodeKind.ORCHESTRATOR

CUES: dict[NodeKind, dict[float, tuple[str, ...]]] = {
    _E: {
        2.0: ("side effect", "side effects", "writes to", "i / o", "io operations", "crud", "on top of"),
        1.5: (
            "database", "bucket", "webhook", "api client", "http client", "adapter", "connector", "gateway", "inbox",
            "database writes", "api calls", "repository", "smtp", "on disk", "from disk", "to disk",
            "mail server", "slack", "jira", "stripe", "twilio", "discord", "telegram", "salesforce", "hubspot",
            "sendgrid", "shopify", "calendar", "spreadsheet", "printer", "third-party", "third party",
              "push notification",
            "driver", "over http", "dead letter queue", "message queue",
        ),
        1.0: ("push messages", "push message", "text messages", "emails", "table", "tables", "client", "topic",
              "queue", "connection", "cache", "bucket", "upload", "uploads", "server", "sms"),
    },
    _C: {
        2.5: ("no network", "no database", "no i / o", "no io", "without side effects", "no side effects",
              "without i / o", "pure function", "pure logic", "purely computational"),
        2.0: ("work out", "works out", "working out", "figure out", "figures out", "pure", "how similar", "algorithm",
              "how many", "how much", "how far", "how long", "whether", "formula", "says if", "decide if", "check if",
              "checks if", "tell if", "tells if", "see if", "determine if", "determines if", "gives back", "give back"),
        1.5: ("tells me", "tell me", "given a", "given an", "given the", "given two", "checksum", "based on rules",
              "rounded", "deterministic", "calculation", "calculator", "math", "mathematical", "regex", "percentage",
              "distance", "ratio", "median", "variance", "percentile", "probability", "factorial", "fibonacci", "prime",
              "divisor", "square root", "similarity", "palindrome", "checksum", "celsius", "interest rate", "bmi",
              "greatest", "smallest", "difference", "area", "perimeter", "standard deviation", "what's the",
              "what is the", "discount", "tax", "a string", "strings", "a sentence", "a word", "two numbers",
              "a number",
              "integers", "of text", "a text", "syntactically"),
        1.0: ("logic", "result is", "return a", "returns a", "returns the", "return the", "return true", "returns true",
              "takes a", "takes an", "takes two", "take a", "function of", "function", "numbers", "format", "between",
              "using numpy", "using pandas", "score", "is valid", "takes", "if a", "if an", "if the", "based on"),
    },
    _R: {
        3.0: ("state machine", "fsm", "running total", "running totals", "running count", "running balance",
              "running average", "golden record"),
        2.0: ("so far", "as they arrive", "as they come in", "as it arrives", "come in", "comes in", "keep track of",
              "keeps track of", "keeping track of", "keep a tally", "keep count", "roll up", "rolls up", "rolling up",
              "over time", "leaderboard", "current balance", "current state", "current level", "latest state",
              "current stock", "state of", "keep the tally", "adds up", "add up", "boil down", "boils down",
              "rolled up", "sums up", "sum up", "total up", "totals up", "stream of", "over the last", "one at a time",
              "up to date", "counter", "goes up", "tallies"),
        1.5: ("into one", "into a single", "counts by", "count by", "counts per", "count per", "hourly counts",
              "daily counts", "based on the events", "state transitions", "histogram", "single view", "high score",
              "league table", "scoreboard", "standings", "after every", "after each",
              "grand total", "totals per", "total per", "sums per", "average per", "state changes", "from all",
              "event sourced", "moving average", "across all", "per-user", "per user", "keep the", "keeps the",
              "keep only",
              "keeps only", "later ones win", "last one wins", "how often", "projection"),
        1.0: ("statistics", "stats", "session events", "remembers", "snapshot", "duplicates", "duplicate", "events",
              "of each", "of every", "partial", "per-device",
              "from multiple", "from many", "from several", "tally", "average", "total", "deltas"),
    },
    _O: {
        3.0: ("saga", "in turn", "multi-step", "multistep", "one after the other", "one after another", "in that order",
              "step by step", "end to end", "end-to-end", "workflow", "workflows", "one step after another",
              "one after",
              "parallel execution"),
        2.0: ("in parallel", "in sequence", "in the right order", "in this order", "in order", "kick off", "kicks off",
              "wait for each", "before the next", "steps", "stages", "phases", "each step", "fan out",
              "after that", "one by one", "depends on",
              "long-running process", "business process", "once that is done", "compensates",
              "afterwards"),
        1.5: ("wait until", "waits until", "wait for", "waits for", "has finished", "have finished", "is done",
              "are done",
              "otherwise", "fails", "abort", "aborts", "pipeline", "procedure", "finally", "playbook", "runbook",
              "when that is done", "hand over to", "hands over to", "step",
              "and then", "phase", "stage"),
        1.0: ("process of", "lifecycle", "approval", "parallel", "in phases", "handoff", "process"),
        0.5: ("then", "first", "next"),
    },
}  # fmt: skip

# Cues that turn round when one of these stands before them.
NEGATIONS = ("no ", "not ", "without ", "never ", "no more ")

# What people call the thing itself.
OPENING_NOUNS: dict[str, NodeKind] = {
    **dict.fromkeys(
        "client adapter connector gateway repository wrapper store driver proxy uploader bridge".split(), _E
    ),
    **dict.fromkeys("function formula algorithm calculator converter parser validator checker classifier".split(), _C),
    **dict.fromkeys("counter leaderboard histogram tally ledger aggregator accumulator projection".split(), _R),
    **dict.fromkeys("pipeline workflow saga procedure flow playbook runbook coordinator choreography".split(), _O),
}
