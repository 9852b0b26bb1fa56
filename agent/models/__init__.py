"""Language models on this machine: their weights fetched and verified, and served by llama.cpp's own server."""

from agent.models.known_endpoint import local_settings
from agent.models.manifest import ModelSpec, find_model, known_models
from agent.models.serving import LocalModel, Serving, open_local_model
from agent.models.shelf import pulled

__all__ = [
    "LocalModel",
    "ModelSpec",
    "Serving",
    "find_model",
    "known_models",
    "local_settings",
    "open_local_model",
    "pulled",
]
