"""Bootstrapping: what it leaves alone, what it refuses, and which pip settings it lets through."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "bootstrap.py"


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose `.venv` is in order, as far as notes can tell."""
    (tmp_path / "tools").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tools")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def bootstrap(checkout, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "tools/bootstrap.py", *arguments],
        cwd=checkout,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
    )


def note(checkout, *locks):
    """Write the note of an installation of these locks."""
    script = (
        "import json, sys; sys.path.insert(0, 'tools'); import bootstrap as b;"
        "print(json.dumps({'venv': str(b.VENV), 'python': b.python_behind(), 'locks': {n: b.fingerprint(n) for n in sys.argv[1:]}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *locks], cwd=checkout, check=True, capture_output=True, text=True
    )
    (checkout / ".venv" / "installed.json").write_text(done.stdout)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_nothing_is_done_where_everything_is_in_place(checkout, lock):
    note(checkout, "requirements.txt", "requirements-dev.txt")

    done = bootstrap(checkout, lock)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (checkout / ".venv.lock").exists()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda at: (at / "requirements.txt").write_text("# newer\n"), id="the lock changed"),
        pytest.param(lambda at: (at / ".venv" / "unfinished").touch(), id="an installation was cut short"),
        pytest.param(lambda at: (at / ".venv" / "bin" / "python").unlink(), id="the interpreter is gone"),
        pytest.param(lambda at: (at / ".venv" / "installed.json").write_text("{"), id="the note is broken"),
        pytest.param(lambda at: (at / ".venv" / "installed.json").write_text("[]"), id="the note is odd"),
    ],
)
def test_anything_out_of_place_is_noticed(checkout, harm):
    note(checkout, "requirements.txt")
    harm(checkout)

    script = "import sys; sys.path.insert(0, 'tools'); import bootstrap; print(bootstrap.is_installed('requirements.txt'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True)

    assert done.stdout == "False\n"


def test_a_moved_checkout_is_noticed(checkout, tmp_path_factory):
    note(checkout, "requirements.txt")
    notes = json.loads((checkout / ".venv" / "installed.json").read_text())

    moved = tmp_path_factory.mktemp("elsewhere") / "hub"
    shutil.copytree(checkout, moved, symlinks=True)
    script = "import sys; sys.path.insert(0, 'tools'); import bootstrap; print(bootstrap.is_installed('requirements.txt'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=moved, capture_output=True, text=True)

    assert notes["venv"] == str(checkout / ".venv")
    assert done.stdout == "False\n"


def test_an_unknown_lock_is_one_clear_line(checkout):
    done = bootstrap(checkout, "Pipfile")

    assert done.returncode == 1
    assert done.stderr.startswith("error: Pipfile is not a lock file")
    assert done.stderr.count("\n") == 1


def test_pip_keeps_the_index_and_loses_what_leads_elsewhere(checkout, tmp_path):
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://index.example.com/simple\nuser = true\n"
        "[install]\ntarget = /elsewhere\nextra-index-url =\n  https://one.example.com\n  https://two.example.com\n"
    )
    script = (
        "import json, sys; sys.path.insert(0, 'tools'); import bootstrap;"
        "print(json.dumps(bootstrap.pip_environment([sys.executable, '-m', 'pip'])))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=checkout,
        env={"PATH": "", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_USER": "1", "PIP_TIMEOUT": "7"},
        capture_output=True,
        text=True,
    )

    settings = {name: value for name, value in json.loads(done.stdout).items() if name.startswith("PIP_")}
    assert settings["PIP_INDEX_URL"] == "https://index.example.com/simple"
    assert settings["PIP_EXTRA_INDEX_URL"].split() == ["https://one.example.com", "https://two.example.com"]
    assert settings["PIP_TIMEOUT"] == "7"
    assert settings["PIP_CONFIG_FILE"] == "/dev/null"
    assert not {"PIP_USER", "PIP_TARGET"} & set(settings)
