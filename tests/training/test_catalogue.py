"""`handlib experiment all --quick`: every experiment runs, and says what it found."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from handlib import cli
from handlib.experiments import __path__ as folder
from handlib.experiments.catalogue import EXPERIMENTS
from handlib.experiments.evidence import FOLDER


def test_every_experiment_runs_in_seconds_and_leaves_the_results_alone():
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    done = CliRunner().invoke(cli.app, ["experiment", "all", "--quick", "--seeds", "1"])
    assert done.exit_code == 0, done.output
    ended = [line for line in done.stdout.splitlines() if line.endswith("nothing kept")]
    assert [line.split(":")[0] for line in ended] == list(EXPERIMENTS)
    assert {path: path.read_bytes() for path in FOLDER.iterdir()} == before


def test_the_catalogue_has_every_experiment():
    """A module with a COMMAND is one."""
    modules = {
        path.stem for path in Path(folder[0]).glob("*.py") if "\nCOMMAND" in path.read_text()
    }
    assert modules == set(EXPERIMENTS)


@pytest.mark.parametrize("words", [["nonsense"], ["nonsense", "--quick"]])
def test_an_unknown_experiment_is_refused_with_the_known(words):
    refused = CliRunner().invoke(cli.app, ["experiment", *words])
    assert (
        refused.exit_code == 2 and "expected one of course_recipe, distant_token" in refused.output
    )
