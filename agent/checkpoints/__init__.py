"""LangGraph's checkpoints: where each run's graph stands, in memory, SQLite or PostgreSQL (docs/runs-store.md)."""

from agent.checkpoints.opening import checkpoints_url, forget, open_checkpointer

__all__ = ["checkpoints_url", "forget", "open_checkpointer"]
