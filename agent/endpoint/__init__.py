"""Any OpenAI-compatible endpoint as an `LLM`: what it can do is probed once, and the rest is made up for."""

from agent.endpoint.opening import open_llm
from agent.endpoint.settings import LlmSettings, SmallLlmSettings

__all__ = ["LlmSettings", "SmallLlmSettings", "open_llm"]
