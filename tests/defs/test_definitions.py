"""What the world sees of the definitions, frozen; and both of Dagster's own checks."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.generation import STAGE_OPS
from omniclaude_dagster.defs.partitions import NODE_ASSET, stretches
from omniclaude_dagster.defs.resources import CloudModel, PlatformResource, VLLMHost
from omniclaude_dagster.gates.registry import GATES
from omniclaude_dagster.settings import Settings

ROOT = Path(__file__).parents[2]
KEYS = ["ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "OPENAI_API_KEY"]
KEYS += ["TOGETHER_API_KEY", "ZAI_API_KEY"]


@pytest.fixture
def defs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    for variable in KEYS:
        monkeypatch.delenv(variable, raising=False)
    return build_defs(settings=settings)


def test_assets_jobs_sensors_and_checks_are_these(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    assert {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()} == {"generated_node"}
    assert {job.name for job in repository.get_all_jobs()} == {"generate_nodes", "submit_request", "__ASSET_JOB"}
    assert {sensor.name for sensor in repository.sensor_defs} == {"request_inbox"}
    names = [key.name for key in repository.asset_graph.asset_check_keys]
    assert sorted(names) == sorted(gate.id.replace("-", "_") for gate in GATES)


def test_the_asset_says_who_owns_it_and_what_it_is_made_of(defs: dg.Definitions) -> None:
    node = defs.get_repository_def().asset_graph.get(NODE_ASSET)
    assert node.group_name == "generation"
    assert node.owners == ["team:omniclaude"]
    assert node.kinds == {"python", "onex"}
    assert node.description
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_the_ops_are_the_stages_in_their_order() -> None:
    names = [op.name for op in STAGE_OPS]
    assert names == [
        "stage_1_prompt_parsing",
        "stage_1_5_intelligence_gathering",
        "stage_2_pre_generation_validation",
        "stage_3_code_generation",
        "stage_4_5_event_bus_integration",
        "stage_4_post_generation_validation",
        "stage_5_5_quorum_refinement",
        "stage_6_compilation_testing",
        "stage_5_file_writing",
    ]


def test_no_check_is_blocking_for_dagster(defs: dg.Definitions) -> None:
    graph = defs.get_repository_def().asset_graph
    assert not [key for key in graph.asset_check_keys if graph.get(key).blocking]


def test_the_sensor_runs_by_default(defs: dg.Definitions) -> None:
    sensor = defs.get_repository_def().get_sensor_def("request_inbox")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_generation_jobs_run_in_one_process(defs: dg.Definitions) -> None:
    for name in ("generate_nodes", "submit_request"):
        assert defs.resolve_job_def(name).executor_def is dg.in_process_executor


def test_a_cloud_key_becomes_a_resource_that_holds_its_name_only(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "very-secret")
    resources = build_defs(settings=settings).resources or {}
    cloud = resources["cloud_gemini_api_key"]
    assert isinstance(cloud, CloudModel)
    assert isinstance(resources["vllm_host"], VLLMHost)
    assert isinstance(resources["platform"], PlatformResource)
    assert "very-secret" not in repr(cloud)


# Dagster's own call, in build_resources.
@pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run is deprecated:DeprecationWarning")
def test_the_platform_resource_hands_its_keys_and_host_to_the_gateway(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNICLAUDE_HOME", str(settings.home_path))
    monkeypatch.setenv("GEMINI_API_KEY", "very-secret")
    resources = build_defs(settings=settings).resources or {}
    with dg.build_resources({"platform": resources["platform"]}) as built:
        usable = built.platform.platform.models.candidates("1")
    assert any(name.startswith("gemini") for name in usable)
    assert not any(name.startswith("claude") for name in usable)


def test_location_names_agree() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["location_name"] == "omniclaude"
    assert 'code_location_name = "omniclaude"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["x"], [["x"]]),
        (["x", "y"], [["x", "y"]]),
        (["a", "b"], [["a", "b"]]),
        (["a", "c"], [["a"], ["c"]]),
        (["d", "x"], [["d", "x"]]),
        (["a", "x"], [["a"], ["x"]]),
        ([], []),
    ],
)
def test_a_run_is_cut_where_partitions_of_others_lie_between(wanted: list[str], expected: list[list[str]]) -> None:
    assert stretches(wanted, registered=["a", "b", "c", "d"]) == expected


@pytest.mark.integration
@pytest.mark.parametrize(
    "command",
    [["dg", "check", "defs"], ["dagster", "definitions", "validate", "-w", "workspace.yaml"]],
    ids=["dg", "dagster"],
)
def test_both_doors_accept_the_definitions(command: list[str], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name(command[0])
    (tmp_path / "dagster").mkdir()
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "OMNICLAUDE_HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "success" in (done.stdout + done.stderr).lower()
