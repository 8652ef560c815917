"""Task: import a node, build it, start it, let it process samples, stop it; report each step as it really went."""

import asyncio
import importlib
import inspect
import time

import nodes
import synthesis
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from report import elapsed_ms, failure, jsonable, message_of, step

MAX_SAMPLES = 200


def run(arguments, workdir):
    """See `SandboxJob` for the arguments: package, class_name, kind, samples, support_module."""
    report = {name: _not_reached() for name in ("import", "instantiate", "initialize", "introspection", "cleanup")}
    report |= {"contract": _not_reached(), "sample": _not_reached(), "processed": [], "metrics": None}
    report |= {"class_name": None, "kind": None}
    package = arguments["package"]
    with step(report, "import"):
        module = importlib.import_module(f"{package}.node")
        node_class = nodes.find_class(module, arguments.get("class_name"), arguments.get("kind"))
        kind = nodes.kind_of(node_class, arguments.get("kind"))
        report |= {"class_name": node_class.__name__, "kind": kind}
    contract = {}
    with step(report, "contract"):
        contract = nodes.load_contract(package, workdir)
        if report["kind"] is None:
            raise LookupError("the node's kind is not known")
        nodes.CONTRACTS[report["kind"]].model_validate(contract)
    if report["import"]["ok"]:
        asyncio.run(_live(report, node_class, contract, arguments))
    return report


def _not_reached():
    return {"ok": False, "error": "not reached", "duration_ms": 0.0}


async def _live(report, node_class, contract, arguments):
    with step(report, "instantiate"):
        node = node_class(ModelONEXContainer())
    if not report["instantiate"]["ok"]:
        return
    with step(report, "initialize"):
        await node.initialize()
    if not report["initialize"]["ok"]:
        return
    with step(report, "introspection") as entry:
        entry["data"] = jsonable(await node.get_introspection_data())
        if not isinstance(entry["data"], dict) or not entry["data"]:
            raise TypeError("get_introspection_data() returned no mapping")
    await _process_all(report, node, contract, arguments)
    metrics = {}
    with step(metrics, "metrics"):
        report["metrics"] = jsonable(await node.get_performance_metrics())
    with step(report, "cleanup"):
        await node.cleanup()


async def _process_all(report, node, contract, arguments):
    kind = report["kind"]
    support = None
    model = None
    samples = [sample for sample in arguments.get("samples") or [None]][:MAX_SAMPLES]
    with step(report, "sample"):
        if arguments.get("support_module"):
            support = importlib.import_module(arguments["support_module"])
        if hasattr(support, "prepare"):
            await _settled(support.prepare(node))
        if kind != "ORCHESTRATOR" or None in samples:
            model = nodes.input_model(type(node), contract)
        samples = [_sample(kind, model) if sample is None else sample for sample in samples]
    if report["sample"]["ok"]:
        for sample in samples:
            report["processed"].append(await _process(kind, node, model, sample, contract, support))


def _sample(kind, model):
    made = synthesis.synthesise(model)
    return {"items": [made, made]} if kind == "REDUCER" else made


async def _process(kind, node, model, sample, contract, support):
    started = time.perf_counter()
    entry = {"input": sample, "outcome": "returned", "output": None, "output_type": None, "envelope": None}
    entry |= {"output_error": None}
    entry |= {"error_type": None, "error_code": None, "message": None, "file": None, "line": None}
    try:
        if hasattr(support, "prepare_input"):
            request = await _settled(support.prepare_input(node, sample))
        else:
            request = nodes.framework_input(kind, node, model, sample, contract)
        answer = await node.process(request)
        entry |= _unwrapped(answer)
        if kind != "ORCHESTRATOR" and hasattr(answer, "result"):
            entry["output_error"] = nodes.output_problem(contract, answer.result)
    except MemoryError:
        raise
    except BaseException as exc:  # noqa: BLE001  (an outcome, also when it is SystemExit)
        found = failure(exc)
        entry |= {"outcome": "raised", "message": message_of(exc)}
        entry |= {key: found[key] for key in ("error_type", "error_code", "file", "line")}
    entry["duration_ms"] = elapsed_ms(started)
    return entry


def _unwrapped(answer):
    """The candidate's own result, and around it what the framework's output says (intents, transaction state)."""
    whole = jsonable(answer)
    if isinstance(whole, dict) and hasattr(answer, "result") and "result" in whole:
        result = whole.pop("result")
        return {"output": result, "output_type": type(answer.result).__name__, "envelope": whole}
    return {"output": whole, "output_type": type(answer).__name__, "envelope": None}


async def _settled(value):
    return await value if inspect.isawaitable(value) else value
