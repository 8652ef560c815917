"""Task: run `main()` of one module of the candidate and report what it returned."""

import importlib


def run(arguments, workdir):
    del workdir
    return importlib.import_module(arguments["module"]).main()
