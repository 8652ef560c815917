"""OmniClaude: a sentence becomes an ONEX node that has really been executed.

request -> stages -> gates -> quorum -> artifact -> records -> metrics -> decisions -> (next request)

1 request    what was asked, understood by rules; untrusted
2 stages     one module a stage; they build a `node` (typed model, contract, rendered files)
3 gates      G1..G14 and the execution check, judged on what was executed in the `sandbox`
4 artifact   atomic publishing, only with a passing gate report
5 records    what every stage and model call cost and achieved
6 providers  the seam to every model;  `pipeline` assembles all of it from `settings`
7 surfaces   people; `defs` is the only room that knows Dagster

Pure (no input or output of their own): request.understanding, node, contracts, gates.quality.
"""
