"""Names that Dagster shows and stores: the partitions (one a request), tags, groups and owners."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

REQUESTS = dg.DynamicPartitionsDefinition(name="generation_requests")
NODE_ASSET = dg.AssetKey("generated_node")
JOB_NAME = "generate_nodes"
OWNERS = ("team:omniclaude",)

BATCH_TAG = "omniclaude/batch"
LAUNCHED_BY_TAG = "omniclaude/launched_by"
LAUNCHED_BY_SENSOR = "request_inbox"
LAUNCHED_BY_COMMAND = "command_line"


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """Tags of a run on partitions that follow one another."""
    return {ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]}


def stretches(wanted: Iterable[str], *, registered: Sequence[str]) -> list[list[str]]:
    """`wanted`, registered ones and then new ones, cut where partitions of others lie between.

    A run's range names its first and last partition, and everything between counts as planned by it.
    """
    order: Mapping[str, int] = {key: index for index, key in enumerate(registered)}
    new = [key for key in wanted if key not in order]
    places = {key: order[key] for key in wanted if key in order}
    places |= {key: len(registered) + index for index, key in enumerate(new)}
    ranked = sorted(places, key=lambda key: places[key])
    cuts = itertools.groupby(enumerate(ranked), key=lambda pair: places[pair[1]] - pair[0])
    return [[key for _, key in group] for _, group in cuts]
