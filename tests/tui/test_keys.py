"""Keys as observers want them: no conflicts, none that terminals keep, and a file that says what is wrong."""

from __future__ import annotations

import json
import shutil
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import typer
from sample_night import at_rest, screen_text, until
from textual._xterm_parser import XTermParser
from textual.actions import parse
from textual.command import CommandPalette
from textual.events import Key
from typer.testing import CliRunner, Result

from ampel_followup.errors import PreferencesError
from ampel_followup.store import Store
from ampel_followup_tui.app import FollowupApp
from ampel_followup_tui.command import tui
from ampel_followup_tui.commands import COMMANDS, Place, commands_of
from ampel_followup_tui.hasty_escape import parted
from ampel_followup_tui.instants import utc_now
from ampel_followup_tui.keys.file import read_preferences, written
from ampel_followup_tui.keys.layout import conflicts, lay_out, warnings
from ampel_followup_tui.keys.names import DOUBTFUL, IMPOSSIBLE, key_name
from ampel_followup_tui.keys_command import keys
from ampel_followup_tui.preferences import DEFAULTS, Preferences, load_preferences
from ampel_followup_tui.screens.help import HelpScreen
from ampel_followup_tui.screens.plan import PlanScreen
from ampel_followup_tui.screens.tonight import TonightScreen

ROOT = Path(__file__).parents[2]
BY_NAME = {command.name: command for command in COMMANDS}


def app_with(store: Store, preferences: Preferences) -> FollowupApp:
    return FollowupApp(store, store.load_plan(), "ada", now=utc_now, poll_seconds=3600.0, preferences=preferences)


def file_of(folder: Path, text: str) -> Path:
    path = folder / "keys.yml"
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys, arguments)


# What comes along


@pytest.mark.parametrize("place", list(Place))
def test_no_key_runs_two_commands_on_one_screen(place: Place) -> None:
    names = [key for command in commands_of(place) for key in command.key_names]
    assert len(names) == len(set(names))
    assert not list(conflicts(COMMANDS))


def test_no_key_is_one_that_tmux_screen_or_a_terminal_keeps() -> None:
    taken = {key for command in COMMANDS for key in command.key_names}
    assert {"ctrl+a", "ctrl+b"} <= set(DOUBTFUL), "the prefixes of screen and tmux"
    assert taken.isdisjoint(DOUBTFUL)
    assert taken.isdisjoint(IMPOSSIBLE)
    assert not list(warnings(COMMANDS))


def test_every_command_has_a_key_by_its_name_in_textual_and_an_identity_of_its_own() -> None:
    assert len(BY_NAME) == len(COMMANDS)
    for command in COMMANDS:
        assert command.key_names
        assert [key_name(key) for key in command.key_names] == list(command.key_names)


# What each key does


async def test_every_key_of_every_command_runs_its_action_on_its_screens_and_nothing_elsewhere(
    scheduled_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, tuple[object, ...]]] = []
    with Store.open(shutil.copy(scheduled_store, tmp_path)) as store:
        app = app_with(store, DEFAULTS)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(lambda: app.journal.timetable is not None)
            opened: set[Place] = set()
            for opening in (None, "plan", "learning"):
                if opening is not None and opening not in BY_NAME:
                    continue
                if opening is not None:
                    await app.run_action(BY_NAME[opening].action)
                    await at_rest(pilot.app)
                opened.add(place := app.place)
                with monkeypatch.context() as patch:
                    for action in {parse(command.action)[1] for command in COMMANDS}:
                        patch.setattr(
                            app,
                            f"action_{action}",
                            lambda *given, name=action: calls.append((name, given)),
                            raising=True,
                        )
                    for command in COMMANDS:
                        if command.place & place:
                            for key in command.key_names:
                                calls.clear()
                                await pilot.press(key)
                                assert calls == [parse(command.action)[1:]], (command.name, key, place)
                if opening is not None:
                    await app.run_action("back")
            # No command is about a screen that was not opened.
            assert not [command.name for command in COMMANDS if not any(command.place & place for place in opened)]


async def test_a_key_of_another_screen_does_nothing(store: Store) -> None:
    app = app_with(store, DEFAULTS)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*BY_NAME["observed"].key_names)
        await pilot.press(*BY_NAME["plan"].key_names[:1])
        assert isinstance(app.screen, PlanScreen)
        await pilot.press(*BY_NAME["approve"].key_names, *BY_NAME["reject"].key_names)
    assert store.decisions() == []


# Keys of one's own


async def test_chosen_keys_work_and_stand_in_key_bar_hints_palette_and_help(store: Store, tmp_path: Path) -> None:
    path = file_of(
        tmp_path, 'keys:\n  approve: [Y, f7]\n  help: ["%"]\n  flux: F\n  list: [f4]\n  light-curve: ["="]\n'
    )
    first, second, *_ = (target.id for target in store.load_plan().plan.targets)
    app = app_with(store, read_preferences(path))
    async with app.run_test(size=(80, 40)) as pilot:
        await until(lambda: "F flux" in screen_text(app))
        text = screen_text(app)
        assert " Y approve" in text
        assert "= light curve" in text
        await pilot.press("a")
        assert store.decisions() == []
        await pilot.press("Y", "f7")
        assert [decision.target for decision in store.decisions()] == [first, second]
        await pilot.press("ctrl+p", *"approve this")
        await until(lambda: isinstance(app.screen, CommandPalette) and "Y f7" in screen_text(app))
        await pilot.press("escape")
        await pilot.press("percent_sign")
        assert isinstance(app.screen, HelpScreen)
        assert "Y f7 " in next(line for line in screen_text(app).splitlines() if "Approve this" in line)
        await pilot.press("percent_sign")
        assert not isinstance(app.screen, HelpScreen)


async def test_two_commands_can_exchange_their_keys(store: Store, tmp_path: Path) -> None:
    app = app_with(store, read_preferences(file_of(tmp_path, "keys: {approve: r, reject: a}")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "r")
    assert [decision.verdict for decision in store.decisions()] == ["reject", "approve"]


async def test_a_key_keeps_its_other_meaning_on_the_plan_where_one_is_changed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual's own keymap would take `f` away from both commands that have it."""
    preferences = read_preferences(file_of(tmp_path, "keys: {flux: F}"))
    app = app_with(store, preferences)
    assert [command.name for command in preferences.commands if "f" in command.key_names] == ["failed"]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("t")
        calls: list[str] = []
        monkeypatch.setattr(app, "action_mark", lambda verdict: calls.append(verdict))
        await pilot.press("f")
        assert calls == ["failed"]


async def test_a_command_without_keys_is_found_in_the_palette_and_not_in_the_key_bar(
    store: Store, tmp_path: Path
) -> None:
    app = app_with(store, read_preferences(file_of(tmp_path, "keys: {reject: []}")))
    async with app.run_test(size=(80, 40)) as pilot:
        assert "reject" not in screen_text(app).splitlines()[-1]
        await pilot.press("r")
        assert store.decisions() == []
        await pilot.press("ctrl+p", *"reject")
        await at_rest(pilot.app)
        await pilot.press("down", "enter")
        await at_rest(app)
    assert [decision.verdict for decision in store.decisions()] == ["reject"]


async def test_what_may_not_arrive_is_said_when_the_app_opens(store: Store, tmp_path: Path) -> None:
    app = app_with(store, read_preferences(file_of(tmp_path, "keys: {approve: [a, ctrl+b]}")))
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot.app)
        assert any("prefix of tmux" in notice.message for notice in app._notifications)


# How keys are written


@pytest.mark.parametrize(
    ("written_as", "name"),
    [
        ("?", "question_mark"), ("question_mark", "question_mark"), ("/", "slash"), (":", "colon"), ("+", "plus"),
        ("ctrl++", "ctrl+plus"), ("^r", "ctrl+r"), ("Ctrl+R", "ctrl+r"), ("alt+left", "alt+left"), ("esc", "escape"),
        ("⏎", "enter"), ("→", "right"), ("PgDn", "pagedown"), ("F5", "f5"), ("A", "A"), ("ä", "ä"),
        ("shift+ctrl+left", "ctrl+shift+left"), ("7", "7"), ("shift+tab", "shift+tab"),
    ],
)  # fmt: skip
def test_a_key_may_be_written_in_many_ways(written_as: str, name: str) -> None:
    assert key_name(written_as) == name


@pytest.mark.parametrize(
    "nonsense", ["", "approve", "ctrl", "ctrl+", "shift+a", "qq", "hyperctrl+x", "\x1b", "<any>", "a,b"]
)
def test_what_is_no_key_is_none(nonsense: str) -> None:
    assert key_name(nonsense) is None


# What is wrong with a file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("keys: {aprove: [a]}", ("keys.aprove", "did you mean approve?")),
        ("keys: {zzz: [a]}", ("keys.zzz", "`ampel-followup keys` lists")),
        ("keys: {approve: [ctl+x]}", ("keys.approve", "'ctl+x' is no key", "ctrl+r")),
        ("keys: {approve: [shift+a]}", ("keys.approve", "write that")),
        ("keys: {approve: r}", ("r would run both approve and reject", "give reject other keys")),
        ("keys: {reject: a}", ("a would run both approve and reject", "give approve other keys")),
        ("keys: {observed: q}", ("q would run both observed and quit",)),
        ("keys: {approve: ctrl+i}", ("ctrl+i does not work", "write tab")),
        ("keys: {approve: ctrl+m}", ("write enter",)),
        ("keys: {approve: ctrl+h}", ("write backspace",)),
        ("keys: {approve: ctrl+q}", ("choose another key",)),
        ("keys: {approve: ctrl+c}", ("choose another key",)),
        ("keys: {approve: }", ("keys.approve", "write []")),
        ("keys: {approve: [a, ~]}", ("keys.approve.1", "reads a key here as None", "quotes")),
        ("keys: {approve: [on]}", ("reads a key here as True", "quotes")),
        ("keys: {approve: [10]}", ("reads a key here as 10",)),
        ("keys: {approve: {a: b}}", ("keys.approve",)),
        ("keys:\n  approve: [a\n", ("line",)),
        ("keys:\n  approve: a\n  approve: Y\n", ("line 3", "approve is there twice")),
        ("- a", ("holds no keys", "approve: [a, Y]")),
        ("theme: ligth", ("theme", "did you mean light?")),
        ("colour: dark", ("colour is unknown",)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_on_one_line_with_file_place_and_remedy(
    tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    path = file_of(tmp_path, text)
    with pytest.raises(PreferencesError) as caught:
        read_preferences(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for words in said:
        assert words in message
    assert run("check", str(path)).exit_code != 0


@pytest.mark.parametrize("key", sorted(DOUBTFUL))
def test_keys_of_tmux_screen_and_flow_control_work_with_a_warning(tmp_path: Path, key: str) -> None:
    preferences = read_preferences(file_of(tmp_path, f"keys: {{approve: [{key}]}}"))
    assert [key in warning and DOUBTFUL[key] in warning for warning in preferences.warnings] == [True]
    assert "warning: " in run("check", str(tmp_path / "keys.yml")).output


@pytest.mark.parametrize("text", ["", "# nothing\n", "keys:\n", "keys: {}\n", "theme: dark\n"])
def test_a_file_that_says_nothing_changes_nothing(tmp_path: Path, text: str) -> None:
    assert read_preferences(file_of(tmp_path, text)) == DEFAULTS


def test_of_two_wishes_for_one_key_on_different_screens_none_is_refused() -> None:
    laid_out = lay_out({"flux": ["x"], "observed": ["x"]}, "here")
    assert {command.name for command in laid_out if command.keys == "x"} == {"flux", "observed"}


# Which file is read


def test_the_option_comes_before_the_environment_and_that_before_the_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path)
    monkeypatch.delenv("AMPEL_FOLLOWUP_KEYS", raising=False)
    assert load_preferences() == DEFAULTS
    file_of(tmp_path, "theme: light")
    assert load_preferences().theme == "light"
    other = tmp_path / "other.yml"
    other.write_text("keys: {approve: Y}", encoding="utf-8")
    monkeypatch.setenv("AMPEL_FOLLOWUP_KEYS", str(other))
    preferences = load_preferences()
    assert (preferences.theme, preferences.commands[0].keys) == ("dark", "Y")
    assert load_preferences(tmp_path / "keys.yml", "high-contrast").theme == "high-contrast"
    monkeypatch.setenv("AMPEL_FOLLOWUP_KEYS", str(tmp_path / "missing.yml"))
    with pytest.raises(PreferencesError, match=r"AMPEL_FOLLOWUP_KEYS names .*missing.yml, which is no file"):
        load_preferences()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--keys", "missing.yml", "cannot be read"), ("--theme", "ligth", "did you mean light?")],
)
def test_a_bad_file_or_theme_is_refused_before_anything_opens(store: Store, option: str, value: str, said: str) -> None:
    app = typer.Typer()
    app.command()(tui)
    result = CliRunner().invoke(app, ["--store", store.url, option, value])
    assert isinstance(result.exception, PreferencesError)
    assert said in str(result.exception)


# The command


def test_keys_lists_every_command_with_what_it_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path)
    text = run().output
    for command in COMMANDS:
        line = next(line for line in text.splitlines() if line.startswith(f"{command.name} "))
        assert " ".join(command.shown_keys) in line
        assert command.help in line
    assert f"there is no {tmp_path / 'keys.yml'}" in text
    told = json.loads(run("--json").output)
    assert [command["name"] for command in told["commands"]] == list(BY_NAME)
    assert told["commands"][0]["keys"] == ["a"]


def test_what_write_prints_is_the_same_keys_again_and_says_what_each_does(tmp_path: Path) -> None:
    text = run("write").output
    assert text == written()
    for command in COMMANDS:
        assert command.help in " ".join(line.strip(" #") for line in text.splitlines())
    path = file_of(tmp_path, text)
    assert read_preferences(path) == DEFAULTS
    assert "the same keys" in run("check", str(path)).output


def test_check_says_what_is_different(tmp_path: Path) -> None:
    path = file_of(tmp_path, "theme: light\nkeys: {approve: [Y, a], export: []}")
    text = run("check", str(path)).output
    assert "good, theme light" in text
    assert ["approve", "a", "Y", "a"] in [line.split() for line in text.splitlines()]
    assert ["export", "e", "none"] in [line.split() for line in text.splitlines()]
    assert json.loads(run("check", str(path), "--json").output)["differs"]["export"] == {"packaged": ["e"], "here": []}
    changed = run("--keys", str(path), "write").output + run("write", "--keys", str(path)).output
    assert "approve: [Y, a]" in changed
    assert "export: []" in changed


def test_commands_of_the_package_are_where_it_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for value in project["entry-points"]["ampel_followup.commands"].values():
        module, _, name = value.partition(":")
        assert callable(getattr(import_module(module), name))


def test_the_manual_has_every_command_with_its_keys() -> None:
    """`ampel-followup keys docs` prints the table anew."""
    assert run("docs").output in (ROOT / "docs" / "tui.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("sent", "keys"), [("\x1ba", ["escape", "a"]), ("\x1bG", ["escape", "G"])])
def test_escape_and_a_hasty_key_are_what_a_terminal_sends_for_alt(sent: str, keys: list[str]) -> None:
    (read,) = XTermParser()._sequence_to_key_events(sent[1:], alt=True)
    both = parted(read, ())
    assert both is not None and [key.key for key in both] == keys
    assert parted(read, {read.key}) is None
    assert parted(Key("alt+left", None), ()) is None
    assert parted(Key(keys[1], keys[1]), ()) is None


async def test_a_key_right_after_escape_has_its_effect_after_that_of_escape(store: Store) -> None:
    second = store.load_plan().plan.targets[1].id
    app = app_with(store, DEFAULTS)
    async with app.run_test(size=(80, 24)) as pilot:
        # Out of a dialogue, and on with the list: the letter is none of the comment.
        await pilot.press("c", "x")
        app.post_message(Key("alt+n", "n"))
        await until(lambda: app.current == second)
        await pilot.press("enter")
        app.post_message(Key("alt+a", "a"))
        await until(lambda: bool(store.verdicts("2026-11-20", "sso")))
        assert isinstance(app.screen, TonightScreen)
    assert [(d.target, d.verdict) for d in store.decisions()] == [(second, "approve")]
