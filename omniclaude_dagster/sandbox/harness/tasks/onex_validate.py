"""Task: the framework's own `onex validate`, without its command line."""

from pathlib import Path

from omnibase_core.services.service_validation_suite import ServiceValidationSuite


def run(arguments, workdir):
    """Returns {"is_clean": bool, "validations": {name: {"is_valid": bool, "messages": [...]}}}."""
    found = ServiceValidationSuite().run_all_validations(Path(workdir) / arguments["package"], strict=False)
    validations = {
        name: {
            "is_valid": result.is_valid,
            "messages": [str(error).replace(f"{workdir}/", "")[:1000] for error in result.errors][:100],
        }
        for name, result in found.items()
    }
    return {"is_clean": all(entry["is_valid"] for entry in validations.values()), "validations": validations}
