"""`Lines`: chunks of bytes become lines, in time linear in the bytes."""

from collections.abc import Iterator


class LineTooLong(ValueError):
    """A line is longer than was allowed, whether it has ended or not."""


class Lines:
    """Cuts what comes in at newlines; an unfinished line waits for its end.

    Example:
        feed(b'{"a"') -> nothing;  feed(b': 1}\\n{"b"') -> b'{"a": 1}'
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes, without their newline.

        Raises:
            LineTooLong: after the lines before it have been given.
        """
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._check(len(line))
            if self._parts:
                line = b"".join((*self._parts, line))
                self._parts.clear()
                self._size = 0
            yield line
        if rest:
            self._check(len(rest))
            self._parts.append(rest)
            self._size += len(rest)

    def _check(self, more: int) -> None:
        if self._size + more > self._max_bytes:
            raise LineTooLong(f"a message of more than {self._max_bytes:,} bytes")
