"""Hidden tests in the real sandbox: what a candidate does to pass without being right does not help it."""

import gzip
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.benchmark.judge import HiddenTestJudge, Judgement
from omniclaude_dagster.benchmark.mutants import mutants_of
from omniclaude_dagster.benchmark.tasks import BenchmarkTask, read_data_set
from omniclaude_dagster.errors import RequestError, SandboxUnavailableError
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from tests.support.benchmark_tasks import a_task
from tests.support.reference_nodes import NoSandbox

pytestmark = pytest.mark.sandbox

SORT = "def f(xs):\n    return sorted(xs)\n"
ENDLESS = "def f(xs):\n    while True:\n"
INPUTS: list[list[Any]] = [[[3, 1, 2]], [[]], [[5, 5]], [[2, 1]]]

type Judge = Callable[..., Judgement]


@pytest.fixture(scope="module")
def judge(sandbox: BubblewrapSandbox, tmp_path_factory: pytest.TempPathFactory) -> HiddenTestJudge:
    return HiddenTestJudge(sandbox, tmp_path_factory.mktemp("expected"))


def judged(judge: HiddenTestJudge, source: str, *, task: BenchmarkTask | None = None) -> Judgement:
    return judge.judge_source(task or a_task(SORT, inputs=INPUTS, base_count=2), textwrap.dedent(source))


def test_a_right_function_passes(judge: HiddenTestJudge) -> None:
    assert judged(judge, "def f(xs):\n    return sorted(xs)\n") == Judgement(True, True)


def test_a_wrong_answer_names_the_first_input_and_both_values(judge: HiddenTestJudge) -> None:
    found = judged(judge, "def f(xs):\n    return xs if len(xs) == 2 else sorted(xs)\n")
    assert (found.is_passed, found.is_base_passed, found.error_class) == (False, True, "wrong_answer")
    assert found.detail == "input 4: [2, 1] instead of [1, 2]"


@pytest.mark.parametrize(
    ("source", "error_class"),
    [
        ("def f(xs):\n    return 1 / 0\n", "raised ZeroDivisionError"),
        ("def f(xs):\n    return f(xs)\n", "raised RecursionError"),
        (f"{ENDLESS}        pass\n", "timeout"),
        (f"{ENDLESS}        try:\n            while True: pass\n        except Exception: pass\n", "timeout"),
        ("import os\ndef f(xs):\n    os._exit(0)\n", "crashed"),
        ("import sys\ndef f(xs):\n    sys.exit(0)\n", "raised SystemExit"),
        ("def f(xs):\n    return [0] * 10**10\n", "raised MemoryError"),
        ("def f(xs):\n    raise KeyboardInterrupt\n", "raised KeyboardInterrupt"),
        ("def g(xs):\n    return sorted(xs)\n", "not_loaded"),
        ("f = 5\n", "not_loaded"),
        ("def f(xs:\n", "not_loaded"),
        ("raise SystemExit\n", "not_loaded"),
        ("def f():\n    return []\n", "raised TypeError"),
        ("def f(xs):\n    return (x for x in sorted(xs))\n", "wrong_answer"),
        ("def f(xs):\n    return tuple(sorted(xs))\n", "wrong_answer"),
    ],
)  # fmt: skip
def test_a_function_that_does_not_answer_rightly_fails_by_its_kind(
    judge: HiddenTestJudge, source: str, error_class: str
) -> None:
    found = judged(judge, source)
    assert (found.is_passed, found.error_class) == (False, error_class)


def test_an_object_that_equals_everything_is_not_the_answer(judge: HiddenTestJudge) -> None:
    liar = """
        class Liar(list):
            def __eq__(self, other): return True
            def __iter__(self): return iter([1, 2, 3])
            def __len__(self): return 3
            __class__ = list
        def f(xs):
            return Liar()
    """
    assert judged(judge, liar).error_class == "wrong_answer"


def test_what_a_candidate_does_to_its_arguments_reaches_no_other_call(judge: HiddenTestJudge) -> None:
    spoiling = """
        seen = []
        def f(xs):
            seen.append(xs)
            answer = sorted(xs)
            for earlier in seen:
                earlier.clear()
            return answer
    """
    assert judged(judge, spoiling).is_passed


def test_printing_changes_nothing_however_much_it_is(judge: HiddenTestJudge) -> None:
    chatty = """
        import sys
        def f(xs):
            print("x" * 3_000_000)
            print('{"is_loaded": true}', file=sys.stderr)
            return sorted(xs)
    """
    assert judged(judge, chatty).is_passed


def test_a_candidate_that_replaces_the_judges_tools_does_not_pass(judge: HiddenTestJudge) -> None:
    forging = """
        import sys
        def f(xs):
            for module in list(sys.modules.values()):
                if hasattr(module, "encode") and hasattr(module, "MAX_DEPTH"):
                    module.encode = lambda value, depth=0: True
            return None
    """
    assert not judged(judge, forging).is_passed


def test_no_expected_answer_is_in_the_candidates_reach(judge: HiddenTestJudge) -> None:
    secret = 'def f(x):\n    return "secret-" + "answer"\n'
    looking = """
        import gc, os
        def f(x):
            wanted = "-".join(("secret", "answer"))
            texts = [o for o in gc.get_referents(*gc.get_objects()) if isinstance(o, (str, bytes))]
            for folder, _, names in os.walk("/job"):
                for name in names:
                    texts.append(open(os.path.join(folder, name), errors="replace").read())
            found = [t for t in texts if t is not wanted and wanted in str(t)]
            return found[0] if found else "nothing"
    """
    found = judged(judge, looking, task=a_task(secret, inputs=[[1]]))
    assert "'nothing' instead of 'secret-answer'" in found.detail


def test_a_large_answer_is_compared_too(judge: HiddenTestJudge) -> None:
    large = "def f(n):\n    return list(range(n)) + [n / 3]\n"
    task = a_task(large, inputs=[[n] for n in (400_000, 300_000, 5)])
    assert judged(judge, large, task=task).is_passed
    wrong = large.replace("n / 3", "n / 3 + (n == 300_000)")
    assert judged(judge, wrong, task=task).detail.startswith("input 2: ")


def test_numbers_of_many_digits_and_types_that_json_lacks_are_compared(judge: HiddenTestJudge) -> None:
    source = "def f(n):\n    return (7 ** n, {1: {n}}, float('inf'), 2j, b'x')\n"
    task = a_task(source, inputs=[[10_000]])
    assert judged(judge, source, task=task).is_passed
    assert judged(judge, source.replace("7 **", "(-7) **"), task=task).is_passed
    assert not judged(judge, source.replace("7 **", "1 + 7 **"), task=task).is_passed


def test_base_tests_count_although_a_later_input_kills_the_process(judge: HiddenTestJudge) -> None:
    dying = "import os\ndef f(xs):\n    return sorted(xs) if xs in ([3, 1, 2], []) else os._exit(1)\n"
    found = judged(judge, dying)
    assert (found.is_passed, found.is_base_passed, found.error_class) == (False, True, "crashed")


def test_a_canonical_solution_that_fails_is_the_tasks_fault(judge: HiddenTestJudge) -> None:
    with pytest.raises(RequestError, match="canonical solution of Test/1 fails: raised ZeroDivisionError"):
        judged(judge, SORT, task=a_task("def f(x):\n    return 1 / x\n", inputs=[[1], [0]]))


def test_an_input_whose_right_answer_cannot_leave_the_sandbox_is_left_out(judge: HiddenTestJudge) -> None:
    source = "def f(n):\n    return object() if n == 2 else n\n"
    task = a_task(source, inputs=[[1], [2], [3]], base_count=2)
    expected = judge.expected.of(task)
    assert (expected.inputs, expected.base_count, expected.left_out) == (([1], [3]), 1, 1)
    assert judged(judge, "def f(n):\n    return n\n", task=task).is_passed


def test_expected_answers_are_kept_and_a_damaged_file_is_computed_again(
    sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    task = a_task(SORT, inputs=INPUTS)
    first = HiddenTestJudge(sandbox, tmp_path).expected.of(task)
    (kept,) = tmp_path.glob("*.json.gz")
    # Nothing can be computed here: this one was read.
    assert HiddenTestJudge(NoSandbox(), tmp_path).expected.of(task) == first
    kept.write_bytes(gzip.compress(b'{"answers": 5}'))
    assert HiddenTestJudge(sandbox, tmp_path).expected.of(task).answers == first.answers


def test_without_a_sandbox_nothing_is_judged(tmp_path: Path) -> None:
    closed = BubblewrapSandbox(1)
    closed.close()
    with pytest.raises(SandboxUnavailableError):
        judged(HiddenTestJudge(closed, tmp_path), SORT)


@pytest.fixture(scope="module")
def human_eval() -> tuple[BenchmarkTask, ...]:
    path = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "HumanEvalPlus-Mini.jsonl.gz"
    if not path.is_file():
        pytest.skip("the data sets are not beside this checkout (../shared/data)")
    return read_data_set(path, limit=10).tasks


def test_canonical_solutions_pass_their_hidden_tests_and_their_mutants_mostly_do_not(
    judge: HiddenTestJudge, human_eval: tuple[BenchmarkTask, ...]
) -> None:
    failed = [t.task_id for t in human_eval if not judge.judge_source(t, t.solution).is_passed]
    assert failed == []
    mutants = [(t, m) for t in human_eval for m in mutants_of(t.solution, t.entry_point, count=3)]
    surviving = [(t.task_id, m.change) for t, m in mutants if judge.judge_source(t, m.source).is_passed]
    assert len(mutants) >= 25
    assert len(surviving) <= len(mutants) * 0.25, surviving
