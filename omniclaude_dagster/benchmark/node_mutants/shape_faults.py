"""Nodes of the wrong shape: names, places, base classes, the signature of `process`, text pasted in, imports."""

from omniclaude_dagster.benchmark.node_mutants.editing import (
    appended,
    at_import,
    at_start,
    both,
    in_class,
    removed,
    renamed,
    replaced,
    written,
)
from omniclaude_dagster.benchmark.node_mutants.model import Fault

_HEAD = "    async def process"

SHAPE = (
    Fault(
        "wrong base class",
        "the class extends nothing of the framework",
        "G10",
        ("golden-compute", "sums"),
        replaced("node.py", r"\(\s*Node(Compute|Reducer)\[[^]]*\],\s*MixinHealthCheck,?\s*\)", "(MixinHealthCheck)"),
    ),
    Fault(
        "base of another kind",
        "a COMPUTE node that extends NodeEffect",
        "G10",
        ("golden-compute", "pricing"),
        both(
            replaced("node.py", r"Node(Compute)\[([^]]*)\]", "NodeEffect"),
            replaced(
                "node.py",
                r"from omnibase_core.nodes.node_compute import NodeCompute",
                "from omnibase_core.nodes.node_effect import NodeEffect",
            ),
        ),
    ),
    Fault(
        "class renamed",
        "the class has another name than its package",
        "G10",
        ("golden-effect", "vat"),
        both(
            replaced("node.py", r"class Node(\w+?)(Effect|Compute)\(", r"class NodeOther\2("),
            replaced("__init__.py", r"\bNode\w+", "NodeOtherEffect", count=9),
        ),
    ),
    Fault(
        "process missing",
        "the class has no process method",
        "G10",
        ("golden-reducer", "files", "pricing"),
        replaced("node.py", r"async def process", "async def perform"),
    ),
    Fault(
        "process not async",
        "process is an ordinary function",
        "G10",
        ("golden-compute", "rows"),
        replaced("node.py", r"async def process", "def process"),
    ),
    Fault(
        "extra parameter",
        "process takes one parameter too many",
        "G10",
        ("golden-effect", "http"),
        replaced("node.py", r"input_data: ModelEffectInput\)", "input_data: ModelEffectInput, force: bool)"),
    ),
    Fault(
        "parameter renamed",
        "process takes its input under another name",
        "G10",
        ("vat",),
        replaced("node.py", r"input_data\b", "request", count=9),
    ),
    Fault(
        "parameter lost",
        "process of a reducer without projection_intents",
        "G10",
        ("golden-reducer", "sums"),
        replaced("node.py", r"\n\s*projection_intents: [^\n]*,\n", "\n"),
    ),
    Fault(
        "two node classes",
        "a second node class in the same file",
        "G10",
        ("golden-orchestrator",),
        appended("node.py", "\n\nclass NodeOtherOrchestrator(NodeOrchestrator):\n    pass\n"),
    ),
    Fault(
        "node not exported",
        "the package does not export its node",
        "G10",
        ("golden-compute", "flow"),
        written("__init__.py", '"""A node."""\n'),
    ),
    Fault(
        "package file missing", "there is no __init__.py", "G10", ("golden-effect", "pricing"), removed("__init__.py")
    ),
    Fault(
        "several models",
        "two models in one file",
        "G10",
        ("golden-compute", "sums"),
        appended(
            "models/model_*",
            '\n\nclass ModelExtra(BaseModel):\n    model_config = ConfigDict(extra="forbid")\n    a: int\n',
        ),
    ),
    Fault(
        "model in node.py",
        "a model outside models/",
        "G10",
        ("golden-effect", "http"),
        both(
            replaced("node.py", r"^from omnibase_core", "from pydantic import BaseModel\nfrom omnibase_core"),
            appended("node.py", "\n\nclass ModelInner(BaseModel):\n    a: int\n"),
        ),
    ),
    Fault(
        "model in another file",
        "a model in a file named after something else",
        "G10",
        ("vat",),
        both(
            renamed("models/model_*_output.py", "models/model_answer.py"),
            replaced("models/__init__.py", r"model_\w+_output", "model_answer"),
        ),
    ),
    Fault(
        "contract of another node",
        "the contract's name is another node's",
        "G10",
        ("golden-compute", "files"),
        replaced("contract.yaml", r"\Aname: \w+", "name: node_other_compute"),
    ),
)

INJECTED = (
    Fault(
        "statement in the class",
        "a statement between the methods",
        "G10",
        ("golden-effect", "pricing"),
        in_class("for name in ():\n    print(name)"),
    ),
    Fault(
        "import in the class",
        "imports pasted into the class body",
        "G10",
        ("rows",),
        in_class("import json\nfrom uuid import uuid4"),
    ),
    Fault(
        "code after return",
        "statements after the return, which never run",
        "G10",
        ("golden-compute", "golden-effect", "vat", "files"),
        replaced(
            "node.py",
            r"(\n    async def process.*?\n        return .*?\n        \)\n)",
            r"\1        await self.publish_introspection_event()\n        self._is_announced = True\n",
        ),
    ),
    Fault(
        "method twice",
        "a method defined a second time replaces the first",
        "G10",
        ("golden-compute", "http"),
        in_class("async def process(self, input_data):\n    return None"),
    ),
    Fault(
        "method outside the class",
        "a method at the indentation of the module",
        "G10",
        ("golden-reducer", "sums"),
        appended("node.py", "\n\nasync def publish_event(self, topic):\n    return topic\n"),
    ),
    Fault(
        "method inside a method",
        "a method pasted one level too deep: nothing can call it",
        "G10",
        ("golden-effect", "flow"),
        replaced(
            "node.py",
            r"(        super\(\).__init__\(container\)\n)",
            r"\1\n        async def shutdown(self) -> None:\n            await self.cleanup()\n\n",
        ),
    ),
    Fault(
        "class inside the class",
        "a whole node pasted into the node's class",
        "G10",
        ("golden-compute", "pricing"),
        in_class("class NodeInner:\n    async def process(self, input_data):\n        return input_data"),
    ),
    Fault(
        "runs at import",
        "statements that work when the module is imported",
        "G10",
        ("golden-orchestrator", "vat"),
        at_import('print("loaded")'),
    ),
    Fault(
        "starts itself",
        "the script's part pasted below the node, without its guard",
        "G10",
        ("pricing",),
        appended("node.py", "\n\nwhile CONTINUE:\n    NodePricingCalculatorCompute(ModelONEXContainer())\n"),
    ),
    Fault(
        "code after raise",
        "statements after a raise, which never run",
        "G10",
        ("sums",),
        at_start('if 1 > 2:\n    raise ValueError("no")\n    total = 0'),
    ),
)

_OLD_BASE = r"from omnibase_core\.nodes\.node_(\w+) import"

IMPORTS = (
    Fault(
        "old core package",
        "omnibase_core.core, which is gone",
        "G11",
        ("golden-compute", "golden-effect", "pricing", "rows"),
        replaced("node.py", _OLD_BASE, r"from omnibase_core.core.node_\1 import"),
    ),
    Fault(
        "old error codes",
        "omnibase_core.errors.error_codes, the path of 2025",
        "G11",
        ("golden-effect", "http"),
        replaced("node.py", r"omnibase_core\.enums\.enum_core_error_code", "omnibase_core.errors.error_codes"),
    ),
    Fault(
        "old primitives",
        "omnibase_core.primitives, which is gone",
        "G11",
        ("vat",),
        at_import("from omnibase_core.primitives.model_semver import ModelSemVer"),
    ),
    Fault(
        "container from the top",
        "ModelONEXContainer from omnibase_core itself",
        "G11",
        ("golden-orchestrator",),
        replaced("node.py", r"omnibase_core\.models\.container\.model_onex_container", "omnibase_core"),
    ),
    Fault(
        "wrong one of two enums",
        "EnumExecutionMode of omnibase_core.nodes, which the input model rejects",
        "G11",
        ("golden-orchestrator", "flow"),
        replaced("node.py", r"omnibase_core\.enums\.enum_workflow_execution", "omnibase_core.nodes"),
    ),
    Fault(
        "wrong enum by its file",
        "the same trap, imported from the file that defines it",
        "G11",
        ("golden-orchestrator", "flow"),
        replaced(
            "node.py", r"omnibase_core\.enums\.enum_workflow_execution", "omnibase_core.enums.enum_orchestrator_types"
        ),
    ),
    Fault(
        "invented symbol",
        "a symbol that the module does not have",
        "G11",
        ("golden-effect", "files"),
        replaced("node.py", r"import EnumTransactionState\b", "import EnumTransaction"),
    ),
    Fault(
        "invented module",
        "a module that the framework does not have",
        "G11",
        ("golden-reducer", "sums"),
        at_import("from omnibase_core.mixins.mixin_introspection_publisher2 import MixinIntrospection"),
    ),
    Fault("invented package", "a package that does not exist", "G11", ("pricing",), at_start("import onexlib")),
    Fault(
        "unpublished package",
        "omniarchon, which nobody can install",
        "G11",
        ("golden-compute",),
        at_import("from omniarchon.events import EventPublisher"),
    ),
    Fault(
        "own module missing",
        "a module of the package that is not there",
        "G11",
        ("vat",),
        at_import("from .helpers import net_of"),
    ),
    Fault(
        "export that lies",
        "__all__ names what the module does not define",
        "G11",
        ("golden-compute", "http"),
        replaced("models/__init__.py", r"__all__ = \[", '__all__ = ["ModelMissing", '),
    ),
    Fault(
        "model file missing",
        "a model that is imported was never written",
        "G11",
        ("golden-reducer", "pricing"),
        removed("models/model_*"),
    ),
    Fault("everything imported", "a star import", "G11", ("sums",), at_import("from math import *", path="logic.py")),
    Fault(
        "name imported twice",
        "the same name from two places: the later silently wins",
        "G11",
        ("golden-effect",),
        at_import("from omnibase_core.errors import EnumCoreErrorCode"),
    ),
)
