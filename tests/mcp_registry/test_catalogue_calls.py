"""The audit of calls, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta

from mcp_registry.record import CallRecord

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def call(number, tool="log"):
    return CallRecord(server="git", tool=tool, at=NOW + timedelta(seconds=number), seconds=0.25, outcome="ok")


def test_the_newest_calls_come_first(catalogue):
    catalogue.record_calls([call(1), call(2, "caf\x00\ud800")])
    catalogue.record_calls([])
    catalogue.record_calls([call(3)])
    assert catalogue.calls() == [call(3), call(2, "caf\x00\ud800"), call(1)]
    assert catalogue.calls(limit=1) == [call(3)]


def test_old_calls_make_room(catalogue):
    catalogue.calls_kept = 10
    for start in range(0, 30, 7):
        catalogue.record_calls([call(start + offset) for offset in range(7)])
    assert catalogue.calls(limit=100) == [call(number) for number in range(34, 24, -1)]


def test_calls_leave_the_generation(catalogue):
    before = catalogue.generation()
    catalogue.record_calls([call(1)])
    assert catalogue.generation() == before
