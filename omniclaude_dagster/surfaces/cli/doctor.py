"""`omniclaude doctor`: is every outside part really there, and what to do if not."""

from dataclasses import asdict

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_OUTSIDE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption


def doctor(*, json_output: JsonOption = False, debug: DebugOption = False) -> int:
    """Really try every part: Python, omnibase-core, sandbox, disk, database, templates, models, Dagster."""
    del debug
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.doctor_checks import run_checks

    checks = []
    with notes().status("trying every part ...") as status:
        for check in run_checks(load_settings()):
            checks.append(check)
            status.update(f"{check.part}: {check.status}; trying the next part ...")
    is_well = all(check.is_harmless for check in checks)
    if json_output:
        emit_json({"is_well": is_well, "checks": [asdict(check) for check in checks]})
    else:
        from omniclaude_dagster.surfaces.cli.render import checks_view

        checks_view(output(), checks)
        say("all that is needed works" if is_well else "something that is needed does not work; see above")
    return EXIT_DONE if is_well else EXIT_OUTSIDE
