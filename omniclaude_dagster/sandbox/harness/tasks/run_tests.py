"""Task: run a node's own tests with pytest, without its configuration, conftest files or any plugin."""

import os

import pytest

MAX_FAILURES = 50
MAX_MESSAGE_CHARACTERS = 4000


class Recorder:
    """A pytest plugin that counts what happened."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "errors": 0, "skipped": 0}
        self.failures = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.counts["passed"] += 1
        elif report.skipped:
            self.counts["skipped"] += 1
        elif report.failed:
            self._fail("failed" if report.when == "call" else "errors", report)

    def pytest_collectreport(self, report):
        if report.failed:
            self._fail("errors", report)

    def _fail(self, kind, report):
        self.counts[kind] += 1
        if len(self.failures) < MAX_FAILURES:
            message = str(report.longreprtext)[-MAX_MESSAGE_CHARACTERS:]
            self.failures.append({"test": report.nodeid, "message": message})


def run(arguments, workdir):
    """Returns counts, failures and pytest's exit status (5: there was no test)."""
    folder = os.path.join(workdir, arguments["package"], "tests")
    recorder = Recorder()
    if not os.path.isdir(folder):
        return {**recorder.counts, "failures": [], "exit_status": 5}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "-c", "/dev/null", "--rootdir", workdir, "--noconftest", "--import-mode=importlib", "--capture=no"]
    if arguments.get("stops_at_first_failure"):
        options += ["-x", "--tb=native"]  # nobody reads the failure: the fastest form will do
    disabled = [
        part for name in ("cacheprovider", "faulthandler", "doctest", "junitxml") for part in ("-p", f"no:{name}")
    ]
    status = pytest.main([*options, *disabled, folder], plugins=[recorder])
    return {**recorder.counts, "failures": recorder.failures, "exit_status": int(status)}
