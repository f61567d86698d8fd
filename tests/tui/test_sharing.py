"""Links and the clipboard."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from dataclasses import replace

import pytest
from sample_night import make_plan, screen_text, until

from ampel_followup.store import Store
from ampel_followup_tui import browsing
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.browsing import has_display, open_in_browser
from ampel_followup_tui.screens import links as links_screen
from ampel_followup_tui.screens.links import LinksScreen

MakeApp = Callable[..., FollowupApp]
NASTY = "[bold red]Z[/]\x1b]52;c;ZXZpbA==\x07\u202e&x=1#?/../%"


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session over ssh, whatever the machine that runs the tests."""
    monkeypatch.setattr(links_screen, "has_display", lambda: False)


async def open_links(app: FollowupApp, pilot: object) -> None:
    await pilot.press("L")  # type: ignore[attr-defined]
    await until(lambda: isinstance(app.screen, LinksScreen) and app.focused is not None)


@pytest.mark.parametrize("keys", [(), ("enter",), ("t",)], ids=["tonight", "target", "plan"])
async def test_name_and_coordinates_are_copied(make_app: MakeApp, store: Store, keys: tuple[str, ...]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys, "y")
        target = store.load_plan().plan.targets[0]
        if keys == ("t",):
            assert app.clipboard == ""  # there is no schedule, so there is no target
        else:
            assert app.clipboard.startswith(f"{target.id} ")
            assert app.clipboard.endswith(f" {target.ra:.6f} {target.dec:+.6f}")
            assert f"Copied: {app.clipboard}" in [said.message for said in app._notifications]


async def test_without_a_display_enter_copies_the_address_and_shows_it(make_app: MakeApp, store: Store) -> None:
    target = store.load_plan().plan.targets[0]
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_links(app, pilot)
        text = screen_text(app)
        assert f"Pages about {target.id}" in text
        assert "ALeRCE" in text
        await pilot.press("j", "enter")
        await until(lambda: app.clipboard.startswith("https://alerce.online/object/"))
        assert app.clipboard == f"https://alerce.online/object/{target.id}"
        assert any(app.clipboard in said.message for said in app._notifications)
        await pilot.press("down", "y")
        assert app.clipboard == f"https://ztf.fink-portal.org/{target.id}"
        await pilot.press("k", "k", "y")
        assert app.clipboard.startswith("https://www.wis-tns.org/")
        await pilot.press("escape")
        assert not isinstance(app.screen, LinksScreen)


async def test_with_a_display_enter_opens_the_page(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(links_screen, "has_display", lambda: True)
    monkeypatch.setattr(links_screen, "open_in_browser", lambda url: opened.append(url) or True)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_links(app, pilot)
        await pilot.press("enter")
        await until(lambda: bool(opened))
        assert opened[0].startswith("https://www.wis-tns.org/search?ra=")
        assert app.clipboard == ""


async def test_in_a_browser_the_page_opens_there(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(FollowupApp, "is_web", property(lambda app: True))
    monkeypatch.setattr(FollowupApp, "open_url", lambda app, url, **_: opened.append(url))
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_links(app, pilot)
        await pilot.press("enter")
        await until(lambda: bool(opened))


async def test_a_hostile_name_is_inert_in_links_and_on_the_clipboard(make_app: MakeApp, store: Store) -> None:
    plan, _ = make_plan(2, 0, seed=2)
    first, *others = plan.targets
    store.save_plan(replace(plan, targets=(replace(first, id=NASTY), *others)), created="2026-11-20T07:00:00Z")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("y")
        assert app.clipboard.isprintable()
        assert app.clipboard.startswith("[bold red]Z[/]]52;c;ZXZpbA==&x=1#?/../% ")
        await open_links(app, pilot)
        assert "[bold red]Z[/]" in screen_text(app)
        assert not {"\x1b", "\x07", "\u202e"} & set(screen_text(app))
        assert "ALeRCE" not in screen_text(app)


async def test_a_file_of_links_that_makes_no_sense_is_complained_about(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from ampel_followup.links import USERS, load_links

    path = tmp_path / "links.yml"  # type: ignore[operator]
    path.write_text("links:\n- {name: A, url: 'ftp://x'}\n")
    monkeypatch.setenv(USERS.variable, str(path))
    load_links.cache_clear()
    try:
        app = make_app()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("L")
            await until(lambda: bool(app._notifications))
            assert "is no address of a page" in next(iter(app._notifications)).message
    finally:
        load_links.cache_clear()


@pytest.mark.parametrize(
    ("environment", "platform", "there"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0", "SSH_CONNECTION": "x"}, "linux", True),
        ({}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "x"}, "darwin", False),
    ],
)
def test_a_display_is_there_or_not(environment: dict[str, str], platform: str, there: bool) -> None:
    assert has_display(environment, platform) == there


def test_a_browser_on_the_terminal_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing.webbrowser, "get", lambda: webbrowser.GenericBrowser("w3m"))
    assert not open_in_browser("https://x.org")

    def none() -> None:
        raise webbrowser.Error

    monkeypatch.setattr(browsing.webbrowser, "get", none)
    assert not open_in_browser("https://x.org")
