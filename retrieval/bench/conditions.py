"""Under which conditions something was measured: no figure means anything without them."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """The machine and the day, on one line."""
    python = f"Python {platform.python_version()}"
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{os.cpu_count()} cores, {_processor()}, {python}, {platform.system()}, {today}; {_load()}"


def _load() -> str:
    try:
        return f"load {os.getloadavg()[0]:.1f} when it started"
    except (AttributeError, OSError):  # Windows has no such figure
        return "load unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
