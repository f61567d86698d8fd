"""The app in a real browser: what an observer sees there, and what a key does to the store."""

from __future__ import annotations

import csv
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chromium import PROGRAM, Page, open_page
from serving import serving

from ampel_followup.store import Store

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine (Debian: apt install chromium)")

TOKEN = "a-token-of-more-than-16"


def refused(page: Page) -> list[str]:
    return [text for text in page.complaints if "Refused" in text or "Content Security Policy" in text]


async def test_a_key_in_the_browser_is_a_verdict_in_the_store(store: Store, tmp_path: Path) -> None:
    first, second, *_ = (target.id for target in store.load_plan().plan.targets)
    async with serving(store.url) as served, open_page(tmp_path) as page:
        await page.open(served.url)
        for letter in "ada":
            await page.press(letter)
        await page.press_enter()
        await page.until(lambda: second in page.received)
        empty = await page.picture()
        page.forget()
        await page.press("a")
        # The next target is shown after the verdict is stored.
        await page.until(lambda: second in page.received and bool(store.decisions()))
        picture = await page.picture()
        assert await page.run("window.location.search") == "?observer=ada"
    [decision] = store.decisions()
    assert (decision.target, decision.verdict, decision.observer) == (first, "approve", "ada")
    # It is drawn, not only received.
    assert len(picture) > 50_000
    assert picture != empty
    assert {urlsplit(url).netloc for url in page.requested} == {urlsplit(served.url).netloc}
    assert refused(page) == []


async def test_the_link_opens_it_and_an_exported_file_is_downloaded(store: Store, tmp_path: Path) -> None:
    first = store.load_plan().plan.targets[0].id
    environment = {"AMPEL_FOLLOWUP_TOKEN": TOKEN}
    async with (
        serving(store.url, "--observer=ada", environment=environment) as served,
        open_page(tmp_path) as page,
    ):
        await page.open(served.url)
        assert "Open this page by its link" in await page.run("document.body.textContent")
        await page.open(f"{served.url}?token={TOKEN}")
        await page.until(lambda: first in page.received)
        # Neither what is copied from the address bar nor what a script could read has the token.
        assert await page.run("window.location.href") == served.url
        assert await page.run("document.cookie") == ""
        await page.press("a")
        await page.until(lambda: bool(store.decisions()))
        await page.press("e")
        await page.until(lambda: "Export 1 approved target" in page.received)
        await page.press_enter()
        await page.until(lambda: "completed" in page.files.values())
        [downloaded] = (tmp_path / "downloads").iterdir()
        with downloaded.open(newline="") as file:
            assert [row["id"] for row in csv.DictReader(file)] == [first]
        assert downloaded.name == "followup-sso-2026-11-20.csv"
        await served.stop()
        assert TOKEN not in served.printed
        await page.until(lambda: "CLOSED" in page.said)
        assert "The session has ended" in await page.run("document.body.innerText")
    assert refused(page) == []
