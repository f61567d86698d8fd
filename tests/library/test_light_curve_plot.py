"""Light curves of a plan as pictures, with bars where the classifier looked."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="plots are the extra 'plots'")

from test_ranking import scored_object

from ampel_followup.attention_scores import AttentionScores
from ampel_followup.cli import main
from ampel_followup.light_curve_plot import plot_light_curve
from ampel_followup.lightcurve import LightCurve
from ampel_followup.simulate import simulate_objects, write_alerts
from ampel_followup.store import Store

EVENING = 61364.0


def curve(name: str = "ZTF26aaaaaaa") -> LightCurve:
    time = EVENING - np.array([20.0, 12.0, 9.0, 6.0, 3.0])
    band = np.array(["ztfg", "ztfg", "ztfr", "ztfg", "ztfr"])
    return LightCurve(name, 1, time, band, np.array([0.0, 40.0, 60.0, 80.0, 90.0]), np.full(5, 4.0),
                      np.array([True, False, False, False, False]), 10.0, 20.0)  # fmt: skip


def attention_of(one: LightCurve) -> AttentionScores:
    return AttentionScores.of(("SN Ia", "SN II"), (0.7, 0.3), one.time.tolist(), [0.0, 1.0, 2.0, 4.0, 1.0])


def test_bars_stand_at_the_epochs_as_high_as_they_counted() -> None:
    one = curve()
    upper, lower = plot_light_curve(one, EVENING, attention=attention_of(one)).axes
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in lower.patches]
    assert bars == [
        pytest.approx(pair) for pair in zip([-20, -12, -9, -6, -3], [0, 0.125, 0.25, 0.5, 0.125], strict=True)
    ]
    assert upper.get_title() == "ZTF26aaaaaaa: by attention SN Ia 70 %"
    assert upper.yaxis_inverted()
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["ztfg 2", "ztfr 2"]


def test_without_attention_there_is_one_panel_and_flux_grows_upwards() -> None:
    (axes,) = plot_light_curve(curve(), EVENING, in_flux=True, attention=AttentionScores(("a", "b"))).axes
    assert not axes.yaxis_inverted()
    assert axes.get_title() == "ZTF26aaaaaaa"


def test_a_name_that_looks_like_a_formula_is_drawn_as_it_is(tmp_path: Path) -> None:
    figure = plot_light_curve(curve(r"$\frac{x$"), EVENING)
    figure.savefig(tmp_path / "plot.png")
    assert figure.axes[0].get_title() == r"$\frac{x$"


def test_plan_plot_draws_targets_and_refuses_what_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alerts, store, plots = tmp_path / "night.tar", tmp_path / "night.sqlite", tmp_path / "plots"
    write_alerts(simulate_objects(3, dt.date(2026, 11, 9), np.random.default_rng(5)), alerts)
    shared = ["--store", str(store), "--night", "2026-11-09"]
    assert main(["rank", str(alerts), "--site", "palomar", *shared, "--no-microlensing"]) == 0
    with Store.open(store) as opened:
        plan = opened.load_plan().plan
        name = next(t.id for t in (*plan.targets, *plan.not_observable, *plan.set_aside) if t.attention is not None)
    assert main(["plan", "plot", name, "--plots", str(plots), *shared]) == 0
    assert {path.name for path in plots.iterdir()} == {f"light_curve_{name}.png", f"light_curve_{name}.svg"}
    assert "attention" in (plots / f"light_curve_{name}.svg").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["plan", "plot", scored_object(1, 0.5).id, "--plots", str(plots), *shared]) == 2
    assert "`ampel-followup plan show --ids` lists what is" in capsys.readouterr().err
