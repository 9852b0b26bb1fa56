"""`Fleet`: whoever does jobs elsewhere, and does them again when a worker dies."""

from typing import Protocol

import msgspec


class FleetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """workers: processes. lanes: jobs of one worker at once. retries: how often a job is given out again because its
    worker died. job_s: how long one job may take before its worker is taken for hung and replaced."""

    workers: int = 2
    lanes: int = 16
    retries: int = 3
    job_s: float = 3_600.0


class Fleet(Protocol):
    """Workers that do jobs. What opens them: `open_local_fleet`, `open_ray_fleet`."""

    @property
    def replaced(self) -> int:
        """How many workers died and were replaced."""
        ...

    async def run(self, job: bytes) -> bytes:
        """What the work makes of a job, on whichever worker has a free lane.

        Raises:
            WorkerFailed: the work raised, or its worker died more often than the settings allow.
        """
        ...
