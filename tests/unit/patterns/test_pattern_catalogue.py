"""What a process knows of the patterns, told by changes in order."""

import threading
import uuid
from dataclasses import replace
from typing import Any

import pytest

from omniclaude_dagster.patterns.catalogue import Candidates, Catalogue
from omniclaude_dagster.patterns.model import PatternChange
from omniclaude_dagster.patterns.words import terms_of
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import MOMENT, MemoryPatternStore, days_before, pattern_for

TEXTS = ["Calculate the tax of an order", "Send a mail", "Sort a list of numbers", "Calculate the discount of an order"]


def catalogue_of(store: MemoryPatternStore, catalogue: Catalogue | None = None) -> Catalogue:
    catalogue = catalogue or Catalogue()
    catalogue.apply(store.pattern_changes(catalogue.revision, limit=1_000))
    return catalogue


def asked(catalogue: Catalogue, text: str, **values: Any) -> Candidates:
    given: dict[str, Any] = {"node_kind": NodeKind.COMPUTE, "systems": (), "near": (), "limit": 10}
    return catalogue.candidates(terms_of(text), **(given | values))


def test_the_best_by_words_are_candidates_with_their_figures() -> None:
    patterns = [
        pattern_for(text, quality_score=0.96 + n / 100, created_at=days_before(n)) for n, text in enumerate(TEXTS)
    ]
    store = MemoryPatternStore(patterns)
    store.change(patterns[0].pattern_id, success_rate=0.5, last_used=MOMENT)

    found = asked(catalogue_of(store), "tax of an order")

    place = found.ids.index(patterns[0].pattern_id)
    assert set(found.ids) == {patterns[0].pattern_id, patterns[3].pattern_id}
    assert (found.quality[place], found.success[place]) == (0.96, 0.5)
    assert found.fresh_s[place] == MOMENT.timestamp()
    assert found.revisions[place] == store.row(patterns[0].pattern_id).revision
    assert found.fitting_count == 4


def test_what_is_near_by_meaning_is_a_candidate_without_a_common_word() -> None:
    patterns = [pattern_for(text) for text in TEXTS]
    found = asked(
        catalogue_of(MemoryPatternStore(patterns)), "volcano", near=[(patterns[2].pattern_id, 0.5), (uuid.uuid4(), 0.4)]
    )

    assert found.ids == (patterns[2].pattern_id,)
    assert found.keywords.tolist() == [0.0]
    assert found.nearness.tolist() == [0.5]


def test_kind_and_systems_hold_for_what_is_near_too() -> None:
    effect = pattern_for("Send a mail by Redis", node_kind=NodeKind.EFFECT, systems=("Redis",))
    other = pattern_for("Send a mail", node_kind=NodeKind.EFFECT)
    catalogue = catalogue_of(MemoryPatternStore([effect, other]))
    near = [(effect.pattern_id, 0.9), (other.pattern_id, 0.8)]

    assert asked(catalogue, "send mail", near=near).ids == ()
    both = asked(catalogue, "send mail", near=near, node_kind=NodeKind.EFFECT)
    assert set(both.ids) == {effect.pattern_id, other.pattern_id}
    redis = asked(catalogue, "send mail", near=near, node_kind=NodeKind.EFFECT, systems=("Redis",))
    assert redis.ids == (effect.pattern_id,)
    assert redis.fitting_count == 1


@pytest.mark.parametrize("status", ["quarantined", "retired"])
def test_one_that_is_no_longer_active_is_gone_and_may_come_back(status: Any) -> None:
    pattern = pattern_for(TEXTS[0])
    store = MemoryPatternStore([pattern])
    catalogue = catalogue_of(store)
    before = asked(catalogue, "tax order").keywords.tolist()
    store.set_pattern_status([pattern.pattern_id], status, reason="")
    catalogue_of(store, catalogue)

    assert asked(catalogue, "tax order", near=[(pattern.pattern_id, 0.5)]).ids == ()
    assert catalogue.active_count == 0

    store.set_pattern_status([pattern.pattern_id], "active", reason="")
    catalogue_of(store, catalogue)
    assert asked(catalogue, "tax order").keywords.tolist() == before


def test_one_that_was_never_active_takes_no_room() -> None:
    pattern = pattern_for(TEXTS[0])
    store = MemoryPatternStore([pattern])
    store.set_pattern_status([pattern.pattern_id], "retired", reason="")

    assert asked(catalogue_of(store), "tax").fitting_count == 0


def test_two_processes_with_another_history_give_the_same_numbers() -> None:
    patterns = [pattern_for(f"{text} {n}") for n, text in enumerate(TEXTS * 5)]
    store = MemoryPatternStore()
    early = Catalogue()
    for n, pattern in enumerate(patterns):
        store.add_pattern(pattern, vector=None, embedding_model="")
        catalogue_of(store, early)
        if n % 3 == 0:
            store.set_pattern_status([patterns[n // 2].pattern_id], "quarantined", reason="")
            catalogue_of(store, early)
        if n % 6 == 0:
            store.set_pattern_status([patterns[n // 2].pattern_id], "active", reason="")
            catalogue_of(store, early)
    late = catalogue_of(store)

    def numbers(catalogue: Catalogue) -> dict[uuid.UUID, float]:
        found = asked(catalogue, "calculate the tax of a list", limit=100)
        return dict(zip(found.ids, found.keywords.tolist(), strict=True))

    assert numbers(early) == numbers(late)
    assert numbers(late)


def test_an_old_change_told_again_changes_nothing() -> None:
    pattern = pattern_for(TEXTS[0])
    store = MemoryPatternStore([pattern])
    old = store.pattern_changes(0, limit=10)
    catalogue = catalogue_of(store)
    store.set_pattern_status([pattern.pattern_id], "retired", reason="")
    catalogue_of(store, catalogue)
    catalogue.apply(old)

    assert catalogue.active_count == 0


def test_one_that_the_store_lost_is_forgotten_until_it_is_told_of_again() -> None:
    pattern, other = pattern_for(TEXTS[0]), pattern_for(TEXTS[3])
    store = MemoryPatternStore([pattern, other])
    catalogue = catalogue_of(store)
    before = dict(zip(*(lambda f: (f.ids, f.keywords.tolist()))(asked(catalogue, "tax order")), strict=True))
    catalogue.forget([pattern.pattern_id, uuid.uuid4()])

    assert asked(catalogue, "tax order", near=[(pattern.pattern_id, 0.5)]).ids == (other.pattern_id,)

    (change,) = [c for c in store.pattern_changes(0, limit=9) if c.pattern_id == pattern.pattern_id]
    catalogue.apply([replace(change, revision=99)])
    found = asked(catalogue, "tax order")
    assert dict(zip(found.ids, found.keywords.tolist(), strict=True)) == before


def test_those_without_a_vector_of_this_model_are_counted() -> None:
    patterns = [pattern_for(text) for text in TEXTS]
    store = MemoryPatternStore(patterns)
    for pattern, model in zip(patterns, ["new", "old", "", "new"], strict=True):
        store.change(pattern.pattern_id, embedding_model=model)
    store.set_pattern_status([patterns[3].pattern_id], "retired", reason="")
    catalogue = catalogue_of(store)

    assert [catalogue.waiting_count(model) for model in ("new", "old", "never heard of")] == [2, 2, 3]


def test_searching_while_another_thread_adds_raises_nothing() -> None:
    catalogue, failures = Catalogue(), list[BaseException]()
    store = MemoryPatternStore([pattern_for(f"{TEXTS[n % 4]} {n}") for n in range(600)])
    changes: list[PatternChange] = store.pattern_changes(0, limit=1_000)

    def search() -> None:
        try:
            for _ in range(150):
                found = asked(catalogue, "tax order list mail", limit=50)
                assert len(found.ids) == len(found.keywords) <= 50
        except BaseException as exc:  # noqa: BLE001 - handed to the test
            failures.append(exc)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(0, 600, 5):
        catalogue.apply(changes[n : n + 5])
    for thread in threads:
        thread.join()

    assert failures == []
    assert catalogue.active_count == 600
