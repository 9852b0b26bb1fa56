"""The bodies of requests, as the HTTP API takes them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class NewRun(BaseModel):
    """A goal, and options of the run by name (docs/settings.md, section [agent])."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"goal": "What time is it in Tokyo?", "options": {"planner": "react"}}]},
    )

    goal: str = Field(min_length=1)
    options: dict[str, Any] = {}


class Approval(BaseModel):
    """Approves a call, a whole plan (`plan`), or a call with other arguments."""

    model_config = ConfigDict(extra="forbid")

    call_id: str | None = None
    plan: bool = False
    arguments: dict[str, Any] | None = None
    resume: bool = True


class Rejection(BaseModel):
    """Rejects a call, or a whole plan (`plan`); the model is told the reason."""

    model_config = ConfigDict(extra="forbid")

    call_id: str | None = None
    plan: bool = False
    reason: str = ""
    resume: bool = True


class Settlement(BaseModel):
    """What became of a call whose outcome is unknown; `retry` says that it did not run and is to run now."""

    model_config = ConfigDict(extra="forbid")

    call_id: str
    became: Literal["succeeded", "failed", "retry"]
    text: str = ""
    resume: bool = True


class Forking(BaseModel):
    """The last event that the fork keeps (all, when not given), and options that differ."""

    model_config = ConfigDict(extra="forbid")

    at: int | None = Field(default=None, ge=1)
    options: dict[str, Any] = {}
    resume: bool = True
