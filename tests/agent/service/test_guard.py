"""Who may call the service."""

from typing import Any

import pytest

from agent.errors import BadAgentSettings
from agent.service.guard import KEY_VARIABLE, check_address, is_loopback, key_from

KEY = "0123456789abcdef0123"


async def test_with_a_key_nothing_is_told_or_done_without_it(serve: Any) -> None:
    async with serve(key=KEY) as service:
        for path in ("/runs", "/v1/models", "/openapi.json", "/tools?query=x", "/mcp"):
            refused = await service.http.get(path)
            assert refused.status_code == 401, path
            assert "API key" in refused.json()["error"]["message"]
        assert (await service.http.get("/healthz")).status_code == 200
        assert (await service.http.get("/")).status_code == 200
        assert (await service.http.get("/runs", headers={"authorization": f"Bearer {KEY}x"})).status_code == 401


@pytest.mark.parametrize("header", [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}])
async def test_the_key_opens_in_either_header(serve: Any, header: dict[str, str]) -> None:
    async with serve(key=KEY) as service:
        assert (await service.http.get("/runs", headers=header)).status_code == 200


async def test_pages_of_other_sites_and_unknown_names_are_refused(service: Any) -> None:
    assert (await service.http.get("/runs", headers={"origin": "https://example.org"})).status_code == 403
    assert (await service.http.get("/runs", headers={"origin": service.url})).status_code == 200
    assert (await service.http.get("/runs", headers={"host": "rebound.example.org"})).status_code == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "agents.example.org"])
def test_an_address_that_others_can_reach_needs_a_key(host: str) -> None:
    with pytest.raises(BadAgentSettings, match=KEY_VARIABLE):
        check_address(host, None)
    check_address(host, KEY)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback_needs_none(host: str) -> None:
    assert is_loopback(host)
    check_address(host, None)


def test_a_key_that_could_be_guessed_is_refused() -> None:
    assert key_from({}) is None
    assert key_from({KEY_VARIABLE: KEY}) == KEY
    with pytest.raises(BadAgentSettings, match="openssl"):
        key_from({KEY_VARIABLE: "secret"})
