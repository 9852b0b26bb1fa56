"""A served model as an endpoint whose abilities are known."""

import msgspec

from agent.endpoint.settings import LlmSettings
from agent.models.serving import LocalModel


def local_settings(local: LocalModel, settings: LlmSettings) -> LlmSettings:
    """Settings for a model of this machine: what its server can do is known, so that nothing is probed.

    Tool calls are off: these models' calls stand in the content, and the server does not hold them to any form.
    """
    return msgspec.structs.replace(
        settings,
        url=local.base_url,
        model=local.model,
        context_tokens=local.context_tokens,
        small=True,
        shapes="grammar",
        samples=True,
        logprobs=True,
        tool_calls=False,
        encode_usd=0.0,
    )
