"""A policy behind a server. The server is a small one of ours; the real one was tried by hand (docs/engines.md)."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.endpoint.retrying import Clock
from rl_trainer.errors import EngineFailed, SamplingBiased
from rl_trainer.guard import check_sampling
from rl_trainer.policies.continuing import Continuing
from rl_trainer.policies.vllm_server import VllmServer, open_vllm_server
from rl_trainer.policies.vllm_settings import VllmSettings
from rl_trainer.policy import Sampling, Written
from tests.rl_trainer.policies.conftest import Start
from tests.rl_trainer.policies.engine import END, Engine

PROMPT = (1, 2)
Folder = Callable[[int], Path]


async def write(policy: VllmServer | Continuing, *, most: int = 8, seed: int = 7) -> Written:
    return await policy.complete(PROMPT, sampling=Sampling(max_tokens=most), seed=seed)


async def written_by(weights: int, start: Start, **how: int) -> tuple[int, ...]:
    """What a server that was started with these weights writes."""
    engine, settings = start()
    engine.weights = weights
    async with open_vllm_server(settings) as policy:
        return (await write(policy, **how)).ids


async def begun(engine: Engine, many: int) -> None:
    """Wait until so many completions have three ids and are held."""
    for _ in range(many):
        await asyncio.to_thread(engine.at_work.acquire, timeout=10)


async def test_ids_go_in_and_out_with_the_log_probability_of_each(start: Start) -> None:
    engine, settings = start()
    async with open_vllm_server(settings) as policy:
        once, again, other = await write(policy), await write(policy), await write(policy, seed=8)
    assert once == again
    assert once.ids != other.ids
    assert len(once.logprobs) == len(once.ids) == 8
    assert all(value < 0 for value in once.logprobs)
    assert (once.finish, once.version) == ("length", 0)
    sent = engine.bodies("/v1/completions")[0]
    assert sent["prompt"] == [1, 2]
    assert (sent["top_k"], sent["top_p"], sent["min_p"], sent["repetition_penalty"]) == (-1, 1.0, 0.0, 1.0)


async def test_only_the_renderers_ids_end_a_completion(start: Start) -> None:
    _, settings = start()
    async with open_vllm_server(settings) as policy:
        answers = [
            await policy.complete(PROMPT, sampling=Sampling(max_tokens=500, stop=(END,)), seed=seed)
            for seed in range(3)
        ]
    for answer in answers:
        assert answer.finish == "stop"
        assert answer.ids[-1] == END


async def test_a_server_without_defaults_passes_the_guard(start: Start) -> None:
    _, settings = start()
    async with open_vllm_server(settings) as policy:
        check_sampling(Sampling(), await policy.effective())


@pytest.mark.parametrize("defaults", [{"top_k": 4}, {"repetition_penalty": 1.5}])
async def test_defaults_are_found_by_what_comes_out_where_nothing_is_stated(
    start: Start, defaults: dict[str, float]
) -> None:
    _, settings = start(defaults=defaults, dev=False)
    async with open_vllm_server(settings) as policy:
        with pytest.raises(SamplingBiased, match="--generation-config vllm"):
            await policy.effective()


async def test_a_request_is_not_touched_by_the_servers_defaults(start: Start) -> None:
    _, biased = start(defaults={"top_k": 4})
    _, plain = start()
    async with open_vllm_server(biased) as one, open_vllm_server(plain) as other:
        assert await write(one) == await write(other)


async def test_log_probabilities_from_before_the_temperature_are_refused(start: Start) -> None:
    for dev in (True, False):
        _, settings = start(processed=False, dev=dev)
        async with open_vllm_server(settings) as policy:
            assert (await write(policy)).ids  # at a temperature of 1 both are the same
            with pytest.raises(SamplingBiased, match="processed_logprobs"):
                await policy.complete(PROMPT, sampling=Sampling(temperature=0.7), seed=1)


async def test_log_probabilities_from_after_the_temperature_are_taken(start: Start) -> None:
    for dev in (True, False):
        _, settings = start(dev=dev)
        async with open_vllm_server(settings) as policy:
            answer = await policy.complete(PROMPT, sampling=Sampling(temperature=0.7, max_tokens=2), seed=1)
            assert len(answer.ids) == 2


async def test_whole_weights_are_replaced_and_versions_counted(start: Start, model_folder: Folder) -> None:
    engine, settings = start()
    async with open_vllm_server(settings) as policy:
        before = await write(policy)
        await policy.update(model_folder(5), version=1)
        after = await write(policy)
    assert (before.version, after.version) == (0, 1)
    assert after.ids == await written_by(5, start)
    assert [path for path, _ in engine.requests if "completions" not in path] == [
        "/pause?mode=abort",
        "/collective_rpc",
        "/reset_prefix_cache",
        "/update_weight_version",
        "/resume",
    ]


async def test_an_adapter_is_swapped_in_and_the_old_one_let_go(start: Start, adapter_folder: Folder) -> None:
    engine, settings = start()
    async with open_vllm_server(settings) as policy:
        for version in (1, 2):
            await policy.update(adapter_folder(version + 10), version=version)
        after = await write(policy)
    assert engine.adapters == {"base-v2": 12}
    assert after.version == 2
    assert after.ids == await written_by(12, start)


async def test_an_adapter_from_before_a_resume_is_loaded_anew(start: Start, adapter_folder: Folder) -> None:
    engine, settings = start()
    engine.adapters["base-v1"] = 99
    async with open_vllm_server(settings) as policy:
        await policy.update(adapter_folder(5), version=1)
    assert engine.adapters == {"base-v1": 5}


@pytest.mark.parametrize("kind", ["model_folder", "adapter_folder"])
async def test_what_an_update_cuts_off_goes_on_with_the_new_weights(
    start: Start, kind: str, request: pytest.FixtureRequest
) -> None:
    folder: Folder = request.getfixturevalue(kind)
    engine, settings = start()
    async with open_vllm_server(settings) as server:
        policy = Continuing(server)
        engine.hold.set()
        writing = [asyncio.create_task(write(policy, seed=seed)) for seed in range(3)]
        await begun(engine, 3)
        await server.update(folder(5), version=1)
        answers = [await each for each in writing]
        unbroken = await write(policy, seed=0)
    for answer in answers:
        assert len(answer.ids) == len(answer.logprobs) == 8
        assert set(answer.versions) == {0, 1}
        assert list(answer.versions) == sorted(answer.versions)
        assert (answer.version, answer.finish) == (0, "length")
    assert (unbroken.version, unbroken.versions) == (1, ())


async def test_an_update_may_wait_for_what_is_being_written(start: Start, adapter_folder: Folder) -> None:
    engine, settings = start({"interrupt": False})
    async with open_vllm_server(settings) as policy:
        engine.hold.set()
        writing = asyncio.create_task(write(policy))
        await begun(engine, 1)
        updating = asyncio.create_task(policy.update(adapter_folder(5), version=1))
        engine.hold.clear()
        with engine.lock:
            engine.lock.notify_all()
        await updating
        answer = await writing
    assert (answer.finish, answer.version, policy.version) == ("length", 0, 1)


async def test_another_process_takes_up_the_servers_weights(
    start: Start, model_folder: Folder, adapter_folder: Folder
) -> None:
    engine, settings = start({"shared": True})
    async with open_vllm_server(settings) as trainer, open_vllm_server(settings) as worker:
        await trainer.update(model_folder(5), version=4)
        assert (await write(worker)).version == 4
        await trainer.update(adapter_folder(6), version=5)
        answer = await write(worker)
    assert answer.version == 5
    assert engine.bodies("/v1/completions")[-1]["model"] == "base-v5"


async def test_a_server_that_cannot_be_updated_says_how_to_start_it(
    start: Start, model_folder: Folder, adapter_folder: Folder
) -> None:
    _, settings = start(dev=False, lora=False)
    async with open_vllm_server(settings) as policy:
        with pytest.raises(EngineFailed, match="VLLM_SERVER_DEV_MODE=1"):
            await policy.update(model_folder(1), version=1)
        with pytest.raises(EngineFailed, match="--enable-lora"):
            await policy.update(adapter_folder(2), version=1)
        assert (await write(policy)).version == 0


async def test_after_a_failed_update_nothing_is_sampled_any_more(start: Start, tmp_path: Path) -> None:
    _, settings = start()
    async with open_vllm_server(settings) as policy:
        with pytest.raises(EngineFailed, match="no such weights"):
            await policy.update(tmp_path, version=1)
        with pytest.raises(EngineFailed, match="unknown since an update"):
            await write(policy)


async def test_what_passes_is_tried_again_and_what_does_not_is_told(start: Start) -> None:
    engine, settings = start({"attempts": 3}, failures=[(503, "starting"), (429, "busy")])
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with open_vllm_server(settings, clock=Clock(sleep=wait)) as policy:
        assert len((await write(policy)).ids) == 8
        assert len(waits) == 2
        engine.failures.append((400, "max_tokens is too large"))
        with pytest.raises(EngineFailed, match="max_tokens is too large"):
            await write(policy)


async def test_an_engine_that_is_not_there_is_told_with_its_address() -> None:
    with pytest.raises(EngineFailed, match=r"http://127\.0\.0\.1:9 .*See whether it runs"):
        async with open_vllm_server(VllmSettings(url="http://127.0.0.1:9", attempts=1)):
            pass


async def test_a_model_that_is_not_served_is_told_with_those_that_are(start: Start) -> None:
    _, settings = start({"model": "other"})
    with pytest.raises(EngineFailed, match="serves base, not 'other'"):
        async with open_vllm_server(settings):
            pass
