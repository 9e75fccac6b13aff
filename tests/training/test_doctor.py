import hashlib

import pytest
from typer.testing import CliRunner

from handlib import doctor
from handlib.cli import app

VARIABLES = ("HANDLIB_MANO", "HANDLIB_HO3D", "HANDLIB_DEXYCB", "HANDLIB_FPHA")


@pytest.fixture(autouse=True)
def plain_machine(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))


def found():
    return {check.name: check for check in doctor.examine()}


def test_a_plain_machine_is_well():
    checks = found()
    assert not [str(check) for check in checks.values() if check.state == "broken"]
    assert checks["hand"].state == "ok"
    assert {checks[name].state for name in ("MANO", "HO-3D", "DexYCB", "FPHA")} == {"missing"}
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_what_is_broken_is_said_with_its_mending(monkeypatch, tmp_path):
    (tmp_path / "MANO_RIGHT.pkl").write_bytes(b"nothing")
    (tmp_path / "train").mkdir()
    monkeypatch.setenv("HANDLIB_MANO", str(tmp_path))
    monkeypatch.setenv("HANDLIB_HO3D", str(tmp_path))
    checks = found()
    assert checks["MANO"].state == "broken" and "MANO_RIGHT.pkl" in checks["MANO"].found
    assert checks["HO-3D"].state == "broken"
    assert "no evaluation, train.txt, evaluation.txt" in checks["HO-3D"].found
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1 and "→ set HANDLIB_HO3D to the folder" in result.output


def test_a_data_set_that_is_there_is_found(monkeypatch, tmp_path):
    for part in ("calibration", "models", "20200709-subject-01"):
        (tmp_path / part).mkdir()
    monkeypatch.setenv("HANDLIB_DEXYCB", str(tmp_path))
    assert found()["DexYCB"].state == "ok"


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert found()["image cache"].mend == "set HANDLIB_CACHE to a folder that can be written"


def test_a_changed_asset_is_named(monkeypatch, tmp_path):
    (tmp_path / "assets").mkdir()
    good = hashlib.sha256(b"good").hexdigest()
    (tmp_path / "assets" / "SHA256SUMS").write_text(f"{good}  a.npz\n{good}  b.json\n")
    (tmp_path / "assets" / "a.npz").write_bytes(b"good")
    (tmp_path / "assets" / "b.json").write_bytes(b"bad")
    monkeypatch.setattr(doctor, "files", lambda package: tmp_path)
    assert found()["hand"].state == "broken"
    assert found()["hand"].found.startswith("b.json:")
    (tmp_path / "assets" / "b.json").write_bytes(b"good")
    assert found()["hand"].state == "ok"


def test_a_missing_package_is_named(monkeypatch):
    needs = ["torch>=2.5", "nosuchpackage>=1", "numpy>=99", "pytest>=99; extra == 'dev'"]
    monkeypatch.setattr(doctor, "requires", lambda name: needs)
    found_text = found()["packages"].found
    assert "nosuchpackage is missing (needs >=1)" in found_text
    assert "numpy" in found_text and "torch" not in found_text and "pytest" not in found_text
