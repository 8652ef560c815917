"""What ruff can put right by itself in a body: imports nobody uses, outdated spellings, roundabout returns.

Only text goes in and text comes out; ruff reads no configuration (`--isolated`) and runs nothing. What it changed is
executed like everything else before it is accepted.
"""

from omniclaude_dagster.artifact.formatting import run_ruff

# Families of the lint gate that ruff can fix. Fixes it calls unsafe may change what code does and are left alone, but
# for those that are only called so because they may lose a comment, or evaluate lazily what was a list.
_RULES = "F,I,B,UP,PLE,C4,SIM,PIE,RET"
_HARMLESS = ("C408", "C414", "C417", "C419", "RET503", "RET505", "SIM103", "SIM110")
_OPTIONS = (
    f"--config=lint.extend-safe-fixes=[{', '.join(repr(rule) for rule in _HARMLESS)}]",
    "--isolated",
    "--no-cache",
    "--fix-only",
    "--quiet",
    "--target-version=py312",
    "--line-length=120",
)


def tidied(source: str) -> str:
    """The source as ruff would have it. Raises PermanentError when ruff cannot be run."""
    options = (*_OPTIONS, f"--select={_RULES}", "--stdin-filename=logic.py")
    done = run_ruff("check", *options, "-", text=source.encode("utf-8", "surrogatepass"))
    # Without an answer (source that ruff cannot read) the gates judge the source as it is.
    return done.stdout.decode("utf-8", "surrogatepass") if done.returncode == 0 and done.stdout else source
