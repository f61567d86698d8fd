"""What an operator's AMPEL makes of this distribution."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("ampel.core.AmpelDB", reason="the AMPEL stack is the extra 'ztf'")

from ampel.config.builder.DisplayOptions import DisplayOptions
from ampel.config.builder.DistConfigBuilder import DistConfigBuilder
from ampel.model.ProcessModel import ProcessModel
from ampel_broker import HAS_AMPEL_LSST

UNITS = {
    **dict.fromkeys(
        (
            "T2AnomalyScore",
            "T2AttentionClassifier",
            "T2EarlySNIa",
            "T2FollowupFeatures",
            "T2Microlensing",
            "T2VirtualAssistant",
        ),
        "AbsBundleT2Unit",
    ),
    "T2SpectroscopicGain": "AbsTiedLightCurveT2Unit",
    "T3FollowupPlan": "AbsT3Unit",
    "T4AnnotateLasair": "AbsT4Unit",
    "T4ApplyDecisions": "AbsT4ControlUnit",
    "T4LearnFromLabels": "AbsT4Unit",
    "T4RequestSpectra": "AbsT4Unit",
}
REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "conf" / "ampel-followup" / "examples"


def test_config_build_registers_the_units(built_config: tuple[Path, str]) -> None:
    units = yaml.safe_load(built_config[0].read_text())["unit"]
    for name, base in UNITS.items():
        assert base in units[name]["base"]
        assert units[name]["distrib"] == "ampel-followup"


def test_every_unit_is_registered() -> None:
    listed = yaml.safe_load((REPOSITORY / "conf" / "ampel-followup" / "ampel.yml").read_text())["unit"]
    assert listed == sorted(
        ".".join(path.relative_to(REPOSITORY / "units").with_suffix("").parts)
        for path in (REPOSITORY / "units" / "ampel").rglob("t[0-9]/*.py")
    )


def test_config_build_has_nothing_to_complain_about_our_units(built_config: tuple[Path, str]) -> None:
    assert "ampel.followup" not in built_config[1]
    assert "Error occured" not in built_config[1]


def test_examples_are_not_installed_as_channels_or_processes(built_config: tuple[Path, str]) -> None:
    config = yaml.safe_load(built_config[0].read_text())
    assert "FOLLOWUP" not in config["channel"]
    assert not [name for tier in config["process"].values() for name in tier if "FOLLOWUP" in name]


def test_example_channel_and_processes_are_what_ampel_expects() -> None:
    builder = DistConfigBuilder(DisplayOptions(hide_module_not_found_errors=True))
    builder.load_distributions(raise_exc=False)
    for section, name in (
        ("channel", "followup_channel.yml"),
        ("process", "followup_process.yml"),
        ("process", "followup_workers.yml"),
        ("process", "followup_decisions.yml"),
        ("process", "followup_colleagues.yml"),
        ("process", "followup_learning.yml"),
        ("process", "followup_services.yml"),
    ):
        builder.first_pass_config[section].add(yaml.safe_load((EXAMPLES / name).read_text()), "mine", "0", name)
    config = builder.build_config(
        stop_on_errors=1, config_validator=None, skip_default_processes=True, get_unit_env=False
    )
    alerts = ProcessModel(**config["process"]["t0"]["FOLLOWUP|T0|ztf_uw_public"])
    queued = alerts.processor.config["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
    assert [entry["unit"] for entry in queued[:2]] == ["T2FollowupFeatures", "T2SpectroscopicGain"]
    # The scoring unit finds the features by their configuration.
    assert config["confid"][queued[1]["config"]]["t2_dependency"][0]["config"] == queued[0]["config"]
    plan = ProcessModel(**config["process"]["t3"]["followup_plan"])
    assert plan.processor.config["stage"]["config"]["execute"][0]["unit"] == "T3FollowupPlan"
    workers = ProcessModel(**config["process"]["t2"]["followup_workers"])
    assert (workers.processor.unit, workers.multiplier) == ("T2Worker", 4)
    colleagues = ProcessModel(**config["process"]["t3"]["followup_colleagues"])
    assert colleagues.processor.config["supply"]["config"]["select"]["config"]["tag"]["with"] == "FOLLOWUP_APPROVED"
    decisions = ProcessModel(**config["process"]["t3"]["followup_decisions"])
    assert decisions.processor.config["execute"][0]["unit"] == "T4ApplyDecisions"
    learning = ProcessModel(**config["process"]["t3"]["followup_learning"])
    assert learning.processor.config["execute"][0]["unit"] == "T4LearnFromLabels"
    services = ProcessModel(**config["process"]["t3"]["followup_services"])
    assert [entry["unit"] for entry in services.processor.config["execute"]] == ["T4AnnotateLasair", "T4RequestSpectra"]


@pytest.mark.skipif(not HAS_AMPEL_LSST, reason="ampel-lsst is not installed (docs/ampel.md)")
def test_example_channel_and_processes_for_lsst_are_what_ampel_expects() -> None:
    builder = DistConfigBuilder(DisplayOptions(hide_module_not_found_errors=True))
    builder.load_distributions(raise_exc=False)
    for section, name in (
        ("unit", "lsst_units.yml"),
        ("channel", "lsst_channel.yml"),
        ("process", "lsst_alerts.yml"),
        ("process", "lsst_plan.yml"),
    ):
        builder.first_pass_config[section].add(yaml.safe_load((EXAMPLES / name).read_text()), "mine", "0", name)
    config = builder.build_config(
        stop_on_errors=1, config_validator=None, skip_default_processes=True, get_unit_env=False
    )
    assert config["channel"]["FOLLOWUP_LSST"]["active"] is True
    alerts = ProcessModel(**config["process"]["t0"]["lsst_alerts"])
    assert alerts.processor.config["supplier"]["config"]["loader"]["unit"] == "FollowupAlertLoader"
    queued = alerts.processor.config["directives"][0]["ingest"]["mux"]["combine"][0]["state_t2"]
    assert [entry["unit"] for entry in queued] == ["T2FollowupFeatures", "T2SpectroscopicGain", "T2VirtualAssistant"]
    assert config["confid"][queued[1]["config"]]["t2_dependency"][0]["config"] == queued[0]["config"]
    plan = ProcessModel(**config["process"]["t3"]["lsst_plan"])
    assert plan.processor.config["stage"]["config"]["execute"][0]["config"]["site"] == "rubin"


def test_process_and_archive_job_for_lsst_keep_the_same_of_each_alert() -> None:
    process = yaml.safe_load((EXAMPLES / "lsst_alerts.yml").read_text())["processor"]["config"]
    job = yaml.safe_load((EXAMPLES / "job_lsst_archive.yml").read_text())["task"][0]["config"]
    kept, of_job = process["shaper"]["config"]["fields"], job["shaper"]["config"]["fields"]
    assert {name: kept[name] for name in ("diaSource", "diaForcedSource")} == {
        name: of_job[name] for name in ("diaSource", "diaForcedSource")
    }
    assert set(kept["diaObject"]["include"]) <= set(of_job["diaObject"]["include"])  # ELAsTiCC knows the host
    assert process["directives"][0]["ingest"] == job["directives"][0]["ingest"]


def test_importing_the_units_loads_no_machine_learning_library() -> None:
    # `ampel config build` imports every unit of every distribution; that must not take long.
    code = (
        "import sys\n"
        "import ampel.followup.t2.T2FollowupFeatures, ampel.followup.t2.T2SpectroscopicGain\n"
        "import ampel.followup.t3.T3FollowupPlan\n"
        "print([name for name in ('tensorflow', 'sklearn', 'onnxruntime', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("folder", ["", "ampel", "ampel/followup", "ampel/followup/abstract", "ampel/followup/t2"])
def test_namespace_package_stays_open_for_other_distributions(folder: str) -> None:
    assert not (REPOSITORY / "units" / folder / "__init__.py").exists()


def test_manual_describes_every_option_as_its_unit_does() -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts" / "unit_options.py"))
    manual = (REPOSITORY / "docs" / "ampel.md").read_text(encoding="utf-8")
    assert script["renewed"](manual) == manual, "run `python scripts/unit_options.py`"
    for name, unit in script["units"]().items():
        described = [option for option, _, _ in script["options"](unit)]
        assert described == [option for option in vars(unit)["__annotations__"] if option in unit.get_model_keys()], (
            name
        )
