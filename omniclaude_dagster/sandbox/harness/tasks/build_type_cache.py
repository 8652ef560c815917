"""Task: fill the type checker's cache from the trusted seed. The only job whose sandbox may write the cache folder."""

import typechecker


def run(arguments, workdir):
    del arguments, workdir
    status, findings, other = typechecker.check(["/opt/harness/type_seed.py"], cache_folder=typechecker.CACHE_FOLDER)
    if status not in (0, 1):
        raise RuntimeError(f"mypy ended with {status}: {findings[:3]} {other[-1000:]}")
    return {"findings": [f"{finding['file']}:{finding['line']}: {finding['message']}" for finding in findings[:20]]}
