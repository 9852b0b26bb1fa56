"""How an exported model is served, and what points the agent at it."""

from pathlib import Path

PORT = 8000


def serve_command(folder: Path, name: str, *, adapter_of: str = "", tokenizer: bool = True) -> str:
    """vLLM's command. Sampling defaults of the model's are kept out, and its tool calls are read as it was taught."""
    tools = "--enable-auto-tool-choice --tool-call-parser hermes" if tokenizer else "--skip-tokenizer-init"
    if adapter_of:
        return f"vllm serve {adapter_of} --enable-lora --lora-modules {name}={folder} --generation-config vllm {tools}"
    return f"vllm serve {folder} --served-model-name {name} --generation-config vllm {tools}"


def agent_settings(name: str) -> str:
    """What quartermaster.toml needs (docs/endpoints.md)."""
    return f'[llm]\nurl = "http://127.0.0.1:{PORT}/v1"\nmodel = "{name}"\ntool_calls = true\n'
