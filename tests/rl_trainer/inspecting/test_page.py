"""The page of `train inspect` in a real browser."""

import os
import shutil
from pathlib import Path

import pytest

from rl_trainer.inspecting.html import to_html
from rl_trainer.inspecting.opening import find_groups, open_groups

_WAIT_MS = 15_000
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="there is no Chromium on this machine: apt-get install chromium"
)


async def test_nodes_fold_runs_open_tokens_tell_their_credit_and_hostile_text_stays_text(run: Path) -> None:
    from playwright.async_api import async_playwright

    file = run / "page.html"
    file.write_text(to_html(open_groups(find_groups(run))))
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    unsandboxed = ["--no-sandbox"] if os.geteuid() == 0 else []
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=[*quiet, *unsandboxed])
        page = await browser.new_page()
        page.set_default_timeout(_WAIT_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(file.as_uri())
        nodes = page.locator("[role=treeitem]")
        before = await nodes.count()
        await nodes.first.click()
        assert await nodes.count() == 1
        assert f"[+{before - 1}]" in str(await nodes.first.text_content())
        await nodes.first.press("Enter")
        assert await nodes.count() == before
        await page.locator("#run-0 summary").click()
        token = page.locator("#run-0 .tokens span[style]").first
        await token.hover()
        assert "advantage" in str(await page.locator("#token").text_content())
        assert "color-mix" in str(await token.get_attribute("style"))
        await page.locator("#groups button", has_text="evil").click()
        await page.locator("#run-0 summary").click()
        assert "<img src=x" in str(await page.locator("#run-0 .observation").first.text_content())
        assert await page.evaluate("window.hacked") is None
        await browser.close()
    assert complaints == []
