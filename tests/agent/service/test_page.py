"""The page at `/`, in a real browser."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest

KEY = "0123456789abcdef0123"
_WAIT_MS = 15_000
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium on this machine: apt-get install chromium"
)


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    """A page of a fresh browser; a script that fails fails the test."""
    from playwright.async_api import async_playwright

    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    unsandboxed = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=[*quiet, *unsandboxed])
        opened = await browser.new_page()
        opened.set_default_timeout(_WAIT_MS)
        broken: list[str] = []
        opened.on("pageerror", lambda error: broken.append(str(error)))
        yield opened
        await browser.close()
        assert broken == []


async def test_a_person_begins_a_run_sees_it_edits_what_it_asks_for_and_reads_the_answer(
    world: Any, serve: Any, page: Any
) -> None:
    world.will_call(world.look, text="milk & <b>bread</b>")
    world.will_call(world.write, text="milk")
    async with serve(key=KEY) as service:
        await page.goto(service.url)
        await page.get_by_label("API key").fill(KEY)
        await page.get_by_role("button", name="Open").click()
        await page.get_by_label("Goal").fill("Note what we need")
        await page.get_by_role("button", name="Run", exact=True).click()
        question = page.locator(".question")
        await question.get_by_text("May notes/write be called?").wait_for()
        assert await page.locator("#status").text_content() == "waiting"
        assert "found milk & <b>bread</b>" in await page.locator("#calls").inner_text(), "texts are shown as they are"
        await question.get_by_label("Arguments").fill('{"text": "bread"}')
        world.will_answer("noted")
        await question.get_by_role("button", name="Approve").click()
        await page.locator("#answer p", has_text="noted").wait_for()
        assert world.notes == ["bread"]
        assert await page.locator("#status").text_content() == "done"
        assert await page.locator("#tokens rect").count() == 3 * 3
        assert "model calls" in await page.locator("#usage").text_content()
        await page.reload()
        await page.locator("#answer p", has_text="noted").wait_for()


async def test_a_rejected_call_is_told_with_its_reason(world: Any, serve: Any, page: Any) -> None:
    world.will_call(world.write, text="milk")
    async with serve() as service:
        await service.begin("note milk")
        await page.goto(service.url)
        await page.get_by_role("button", name="note milk").click()
        await page.get_by_placeholder("Reason").fill("we have some")
        world.will_answer("not noted")
        await page.get_by_role("button", name="Reject").click()
        await page.locator("#answer p", has_text="not noted").wait_for()
    assert "we have some" in world.told
    assert world.notes == []


async def test_the_catalogue_is_searched(serve: Any, page: Any) -> None:
    async with serve() as service:
        await page.goto(service.url)
        await page.get_by_role("button", name="Tools").click()
        await page.get_by_label("What a tool should do").fill("time in Tokyo")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_text("No tool was found.").wait_for()


async def test_nothing_of_another_site_is_loaded(serve: Any, page: Any) -> None:
    async with serve() as service:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(service.url)
        await page.get_by_text("No runs yet.").wait_for()
    assert {url.partition("/")[0] for url in asked if not url.startswith(service.url)} <= {"data:,"}
