"""`Backlog`: finished groups between rollouts that run ahead and the trainer; it bounds how far ahead they run."""

import asyncio
from collections import deque

import msgspec

from rl_trainer.errors import EngineFailed
from rl_trainer.fleet.staleness import staleness
from rl_trainer.trajectory import Group

_MOST_STALE = 8
"""Times the groups that are wanted: more stale ones in a row are no accident of timing."""


class AheadSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """versions: how many versions of the policy rollouts may be ahead of the trainer (K); 0 makes both take turns.

    A group whose oldest token is more than K versions behind when it is taken is dropped and counted.
    """

    versions: int = 1


class Backlog:
    """A group may be begun while fewer than (K + 1) iterations' worth of groups are begun and not learnt from.

    So nothing that is begun now is learnt from more than K versions later, unless its rollout takes longer than that;
    and rollouts wait when the trainer is the slower one.
    """

    def __init__(self, *, groups: int, ahead: AheadSettings | None = None, version: int = 0) -> None:
        """groups: that the trainer takes an iteration."""
        self._most = ((ahead or AheadSettings()).versions + 1) * groups
        self._bound = (ahead or AheadSettings()).versions
        self.version = version
        self._finished: deque[Group] = deque()
        self._open = 0
        self._taken = 0
        self._ended = False
        self._fault: BaseException | None = None
        self._changed = asyncio.Condition()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Groups that are finished and not taken."""
        return len(self._finished)

    async def begin(self) -> None:
        """Returns when one more group may be begun."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._open < self._most)
            self._open += 1

    async def put(self, group: Group) -> None:
        """A group that was begun is finished."""
        async with self._changed:
            self._finished.append(group)
            self._changed.notify_all()

    async def give_up(self) -> None:
        """A group that was begun will not be finished."""
        async with self._changed:
            self._open -= 1
            self._changed.notify_all()

    async def end(self, fault: BaseException | None = None) -> None:
        """No group will be begun any more; `fault` is raised by whoever takes."""
        async with self._changed:
            self._ended, self._fault = True, self._fault or fault
            self._changed.notify_all()

    async def take(self, many: int) -> list[Group]:
        """So many groups that are fresh enough, in the order in which they were finished; fewer when there are no more.

        Raises:
            EngineFailed: nothing but stale groups comes. Otherwise whatever ended the rollouts.
        """
        found: list[Group] = []
        dropped = self.dropped
        async with self._changed:
            while len(found) < many:
                if self.dropped - dropped > _MOST_STALE * many:
                    raise EngineFailed(
                        f"{self.dropped - dropped} groups in a row are more than {self._bound} versions behind version "
                        f"{self.version}: the engine does not take new weights, or says an old version of them"
                    )
                await self._changed.wait_for(lambda: self._finished or self._nothing_comes())
                if self._fault is not None:
                    raise self._fault
                if not self._finished:
                    break
                self._take_one(found)
        return found

    def _take_one(self, found: list[Group]) -> None:
        group = self._finished.popleft()
        if staleness(group, self.version) > self._bound:
            self.dropped += 1
            self._open -= 1
            self._changed.notify_all()
        else:
            found.append(group)
            self._taken += 1

    def _nothing_comes(self) -> bool:
        return self._fault is not None or (self._ended and self._open == self._taken + len(self._finished))

    async def discard(self, many: int) -> None:
        """So many of the groups that were taken teach nothing: as many others may be begun for this version."""
        async with self._changed:
            self._taken -= many
            self._open -= many
            self._changed.notify_all()

    async def advance(self, version: int) -> None:
        """The policy has new weights, learnt from all that was taken."""
        async with self._changed:
            self.version = version
            self._open -= self._taken
            self._taken = 0
            self._changed.notify_all()
