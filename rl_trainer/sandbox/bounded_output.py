"""Output of any length in bounded memory: its beginning and its end."""

from collections import deque

_CUT = "\n[... {:,} bytes left out ...]\n"


class BoundedOutput:
    """Keeps the first and the last half of what it may keep, and counts the rest."""

    def __init__(self, limit: int) -> None:
        self._room = max(2, limit) // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self.size = 0

    def add(self, part: bytes) -> None:
        """What was printed next."""
        self.size += len(part)
        taken = min(len(part), self._room - len(self._head))
        self._head += part[:taken]
        if taken == len(part):
            return
        self._tail.append(part[taken:])
        self._tail_size += len(part) - taken
        while self._tail_size - len(self._tail[0]) >= self._room:
            self._tail_size -= len(self._tail.popleft())

    def content(self) -> bytes:
        """Everything, where nothing had to be left out."""
        return bytes(self._head) + b"".join(self._tail)

    def text(self) -> str:
        """What is kept, with a line in the middle that says how much is not."""
        tail = b"".join(self._tail)[-self._room :]
        left_out = self.size - len(self._head) - len(tail)
        if not left_out:
            return (self._head + tail).decode(errors="replace")
        return self._head.decode(errors="replace") + _CUT.format(left_out) + tail.decode(errors="replace")
