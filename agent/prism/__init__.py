"""PRISM (arXiv 2412.18914): a typed memory that a model revises chunk by chunk, in place of reading all at once."""

from agent.options import Options
from agent.planner import MemoryKeeper


def keeper_of(options: Options) -> MemoryKeeper:
    """The memory that the options name."""
    from agent.prism.keepers import FullKeeper, PrismKeeper
    from agent.prism.summaries import HierarchicalKeeper, IncrementalKeeper

    keepers = {
        "prism": PrismKeeper,
        "full": FullKeeper,
        "incremental": IncrementalKeeper,
        "hierarchical": HierarchicalKeeper,
    }
    return keepers[options.memory]()
