"""`Options`: how one run goes about it. They are recorded with the run, and hold when it is resumed."""

from enum import StrEnum
from typing import Literal

import msgspec

from agent.compensation import Compensation
from retrieval.tool import ToolId


class Status(StrEnum):
    """Where a run stands. Running out of something is an end like others: what was found so far is kept."""

    RUNNING = "running"
    WAITING = "waiting"  # for a person: an approval, or a call whose outcome is unknown
    INTERRUPTED = "interrupted"  # drained or killed; it can be resumed
    DONE = "done"
    FAILED = "failed"
    GAVE_UP = "gave_up"
    OUT_OF_STEPS = "out_of_steps"
    OUT_OF_TOKENS = "out_of_tokens"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_MONEY = "out_of_money"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Nothing more happens to such a run, but it may be forked."""
        return self not in {Status.RUNNING, Status.WAITING, Status.INTERRUPTED}


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every choice of one run; strategies by name, budgets in their units."""

    planner: Literal["tree", "react", "plan-execute", "local-replan", "global-replan"] = "tree"
    """How it decides what to do next (docs/planners.md)."""
    equipment: Literal["scalemcp", "rag-mcp", "all", "code"] = "scalemcp"
    """Which tools the model sees (docs/equipment.md)."""
    memory: Literal["prism", "full", "incremental", "hierarchical"] = "prism"
    """What becomes of steps that the prompts have no room for (docs/memory.md)."""
    memory_form: Literal["amendments", "in-place"] = "amendments"
    """How a typed memory is written: changes behind one another, or one value that is rewritten."""
    compute: Literal["single", "best-of-n", "self-consistency", "anytime"] = "single"
    """How many answers of the model a step is worth, and how one of them is chosen."""
    samples: int = 4
    """Of best-of-n and self-consistency."""
    plans: int | None = None
    """How many plans are sampled; by the cost model when not given (Tree-Planner)."""
    resamples: int = 2
    """How often new plans are sampled when none of the tree fits."""
    retries: int = 6
    """How many failed steps a plan tree may be corrected after."""
    k: int = 8
    """How many tools a search equips."""
    tool_tokens: int = 6_000
    """How much of the prompt the equipped tools may take; the least used are let go first."""
    context_tokens: int = 12_000
    """How much of a prompt raw steps may take before they are taken into memory."""
    chunk_tokens: int = 2_000
    """The size of the pieces in which long results and files are read."""
    max_steps: int = 30
    """Calls of tools, at most."""
    max_tokens: int = 500_000
    """Tokens of prompts and answers together, at most."""
    max_seconds: float = 900.0
    """Seconds of waiting for the model and for tools, at most; waiting for people does not count."""
    max_usd: float | None = None
    """US dollars by the prices of the section [llm], at most."""
    call_timeout_s: float = 60.0
    """How long one call of a tool is waited for."""
    approve: Literal["ask", "untainted", "all"] = "ask"
    """Who approves calls that need it: a person; nobody, unless untrusted text has had a hand in it; nobody."""
    guard_reads: Literal["off", "copied", "all"] = "copied"
    """Whether reading outside needs approval too, once untrusted text had a hand in it: never; where an argument
    carries a piece of another server's text; wherever another server's text is in reach."""
    approve_plan: bool = False
    """Whether a person is shown the plan tree and its cost before anything runs."""
    compensations: dict[ToolId, Compensation] = {}
    """Calls that take back what a tool has done, by its id: a plan tree may then go back past it."""
    ends_with: tuple[ToolId, ...] = ()
    """Tools whose success ends the run, with what they say as its answer. Where there are some, plain text does not
    end it: the model is told so, as for any action that is none."""
    wrong_actions: int = 1
    """How often in a row the model is told what is wrong with an action that cannot be made."""
    seed: int | None = None
    """Passed on to the model, where it takes one."""
