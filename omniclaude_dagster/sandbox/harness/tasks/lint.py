"""Task: ruff over the candidate's files. The child becomes ruff; its standard output is the raw result."""

from child import Exec

IS_TOOL = True
RULES = "E4,E7,E9,F,I,B,UP,S,ASYNC,RUF006,RUF012,RUF100,PLE,C4,SIM,PIE,RET,T20,BLE,DTZ"


def run(arguments, workdir):
    package = arguments["package"]
    options = [
        "--isolated",
        "--no-cache",
        "--no-fix",
        "--output-format=json",
        "--target-version=py312",
        "--line-length=120",
    ]
    # Tests assert; that is no security finding there.
    ignored = f"--per-file-ignores={package}/tests/**:S101"
    raise Exec(["/opt/bin/ruff", "check", *options, f"--select={RULES}", ignored, f"{workdir}/{package}"])
