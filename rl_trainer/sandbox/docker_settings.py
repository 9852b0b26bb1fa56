"""`DockerSettings`: which image, and how its container is started."""

import msgspec


class DockerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """image: what the container is made of; it has a shell, cat, head, realpath and tar. workdir: the folder.

    keep_workdir: what the image has in that folder is what commands work on (SWE-bench: /testbed). The container's
    file system is then writable, and disk_mb cannot be held; otherwise it is read-only over a disk in memory.
    user: who runs commands; empty is the image's. cpus: how many a container may use. program: docker, or its like.
    """

    image: str = ""
    workdir: str = "/work"
    keep_workdir: bool = False
    user: str = ""
    cpus: float = 2.0
    shell: str = "/bin/sh"
    program: str = "docker"
