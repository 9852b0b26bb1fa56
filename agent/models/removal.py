"""Removing what was pulled of a model."""

import shutil

from agent.models.lock import alone
from agent.models.manifest import ModelSpec
from agent.models.shelf import file_of, models_folder, partial_of, stamp_path
from agent.models.source import size_now, staging_of
from mcp_registry.home import Home


def remove_model(home: Home, spec: ModelSpec) -> int:
    """Delete a model's file, whole or half pulled; the bytes that it took. A user's own file is left alone.

    Raises:
        ModelError: another process is pulling it.
    """
    if not (folder := models_folder(home)).is_dir():
        return 0
    with alone(folder, spec, wait_s=0):
        files = [] if spec.path else [file_of(home, spec), partial_of(home, spec)]
        freed = sum(size_now(file) for file in files)
        for file in (*files, stamp_path(home, spec)):
            file.unlink(missing_ok=True)
        shutil.rmtree(staging_of(partial_of(home, spec)), ignore_errors=True)
    return freed
