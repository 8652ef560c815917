"""Task: mypy --strict over the candidate's package, against the framework's types. Executes nothing of it."""

import os

import prepared_types
import typechecker

INLINE_CONFIG = "# mypy:"


def run(arguments, workdir):
    """Returns the errors as file, line, message, code. Raises RuntimeError when mypy could not do its work."""
    folder = f"{workdir}/{arguments['package']}"
    if prepared_types.is_prepared():
        status, findings, other = prepared_types.check(folder)
    else:
        status, findings, other = typechecker.check([folder], cache_folder=typechecker.read_only_cache())
    errors = [
        {
            "file": finding["file"].removeprefix(f"{workdir}/").removeprefix("./"),
            "line": max(1, finding["line"]),
            "message": finding["message"],
            "code": finding["code"] or "mypy",
        }
        for finding in findings
        if finding["severity"] == "error"
    ]
    if status not in (0, 1) and not errors:
        raise RuntimeError(f"the type checker failed: {other[-1000:]}")
    return errors + inline_configuration(arguments["package"], workdir)


def inline_configuration(package, workdir):
    """Comments that would configure the type checker from inside a candidate's file count as errors."""
    message = "a comment must not configure the type checker"
    return [
        {"file": os.path.relpath(path, workdir), "line": line, "message": message, "code": "inline-config"}
        for path in python_files(os.path.join(workdir, package))
        for line, text in enumerate(lines_of(path), start=1)
        if text.lstrip().startswith(INLINE_CONFIG)
    ]


def python_files(folder):
    return sorted(
        os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if name.endswith(".py")
    )


def lines_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readlines()
