"""The distribution: what the wheel holds, what it needs, and that it runs from where it was unpacked."""

from __future__ import annotations

import email
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tv import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_name_version_and_requirements(wheel: zipfile.ZipFile) -> None:
    name = f"tv_cuda-{__version__}"
    assert Path(wheel.filename or "").name == f"{name}-py3-none-any.whl"
    found = email.message_from_bytes(wheel.read(f"{name}.dist-info/METADATA"))
    assert found["Name"] == "tv-cuda"
    assert found["License-Expression"] == "Apache-2.0"
    needed = {r.split()[0].rstrip("<>=,.0123456789") for r in found.get_all("Requires-Dist", []) if "extra ==" not in r}
    assert needed == {
        "bitwuzla", "click", "islpy", "libclang", "ml-dtypes", "numpy", "onnx", "pycparser", "rich", "z3-solver",
    }  # fmt: skip
    assert set(found.get_all("Provides-Extra", [])) == {"gpu", "fuzz", "dev"}
    scripts = wheel.read(f"{name}.dist-info/entry_points.txt").decode()
    assert "tv = tv.cli:main" in scripts
    assert "megac = megac.cli:main" in scripts
    assert any(n.endswith("licenses/LICENSE") for n in wheel.namelist())


def test_every_requirement_has_an_upper_bound() -> None:
    for requirement in PROJECT["project"]["dependencies"]:
        assert "<" in requirement, requirement


def test_all_of_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {n.split("/")[0] for n in wheel.namelist()}
    assert tops == {"tv", "megac", f"tv_cuda-{__version__}.dist-info"}
    inside = {n for n in wheel.namelist() if n.startswith("tv/")}
    sources = {str(p.relative_to(ROOT)) for p in (ROOT / "tv").rglob("*.py")}
    assert sources <= inside
    assert "tv/py.typed" in inside
    assert {Path(n).suffix for n in inside} <= {".py", ".h", ".typed", ".onnx", ".toml", ".json", ".txt", ""}


def test_the_headers_are_inside(wheel: zipfile.ZipFile) -> None:
    headers = {str(p.relative_to(ROOT)) for p in (ROOT / "tv" / "cuda_frontend" / "include").rglob("*") if p.is_file()}
    assert any(h.endswith(".h") for h in headers)
    assert headers <= set(wheel.namelist())


def test_it_runs_from_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    run = [sys.executable, "-c", "import tv.cli; raise SystemExit(tv.cli.run(['--version']))"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"tv {__version__}\n"
    found = subprocess.run(
        [*run[:2], "import tv; print(tv.__file__)"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).is_relative_to(tmp_path)


def test_the_makefile_explains_its_targets() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for target in ("demo", "test", "bench", "bless", "help"):
        assert f"make {target} " in done.stdout


def test_continuous_integration_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    assert "make test" in script.read_text()
