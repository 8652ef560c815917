"""The endpoints of the pattern library: store one, find some. A pattern is data here; nothing of it is ever run."""

import re
from typing import Any

from starlette.responses import Response

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.patterns.credentials import credential_in
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import Added, Pattern, PatternQuery
from omniclaude_dagster.providers.redaction import Redactor
from omniclaude_dagster.surfaces.api.answers import StoredAnswer, found_patterns, json_answer
from omniclaude_dagster.surfaces.api.blocking import BlockingWork, SearchWork
from omniclaude_dagster.surfaces.api.problems import of_body
from omniclaude_dagster.surfaces.api.requests import NewPattern, PatternSearch
from omniclaude_dagster.surfaces.api.services import Services

_OK, _CREATED = 200, 201
# How `patterns/checks.py` begins a refusal.
_NAMED_FIELD = re.compile(r"the pattern's ([a-z_]+)")


class PatternEndpoints:
    """`store_pattern` and `get_patterns`."""

    def __init__(self, services: Services, work: BlockingWork, searches: SearchWork, redactor: Redactor) -> None:
        self._services = services
        self._work = work
        self._searches = searches
        self._redactor = redactor

    async def get_patterns(self, search: PatternSearch) -> Response:
        """Find patterns that fit a task, best first, with the reasons."""
        query = PatternQuery(
            text=search.text,
            node_kind=search.node_kind,
            systems=tuple(search.systems),
            inputs=search.inputs,
            outputs=search.outputs,
            limit=search.limit,
        )

        def find() -> dict[str, Any]:
            return found_patterns(self._services.finder.find(query))

        return json_answer(await self._searches.run(find))

    async def store_pattern(self, given: NewPattern) -> Response:
        """Store a proven pattern: 201 when its code is new, 200 when the library knew it."""

        def store() -> Added:
            try:
                pattern = pattern_of(given)
            except RequestError as exc:
                named = _NAMED_FIELD.match(exc.message)
                raise of_body(str(exc), pointer=f"/{named[1]}" if named else "") from None
            found = credential_in(pattern, redactor=self._redactor)
            if found is not None:
                raise of_body(f"the pattern seems to hold {found}; take it out")
            return self._services.adder.add(pattern)

        added = await self._work.run(store)
        answer = StoredAnswer(pattern_id=added.pattern_id, is_new=added.is_new)
        return json_answer(answer, status=_CREATED if added.is_new else _OK)


def pattern_of(given: NewPattern) -> Pattern:
    """The pattern that a body describes. Raises RequestError for what types and sizes do not show."""
    return make_pattern(
        name=given.name,
        description=given.description,
        node_kind=given.node_kind,
        domain=given.domain,
        systems=tuple(given.systems),
        function=given.function,
        code=given.code,
        inputs=given.inputs,
        outputs=given.outputs,
        input_class=given.input_class,
        output_class=given.output_class,
        contract=given.contract,
        models=given.models,
        request=given.request,
        examples=tuple(given.examples),
        origin=given.origin,
        quality_score=given.quality_score,
        models_used=tuple(given.models_used),
        core_version=given.core_version,
        source="service",
        request_id=given.request_id,
        correlation_id=given.correlation_id,
        pattern_type=given.pattern_type,
        reuse_conditions=None if given.reuse_conditions is None else tuple(given.reuse_conditions),
    )
