"""`make test` with a part of the tests: what the exit status says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("all_tests", "engine_tests", "is_good"), [(0, 0, True), (0, 5, True), (0, 1, False), (5, 5, False)]
)
def test_a_part_without_engine_tests_passes_and_one_without_any_test_fails(
    tmp_path, all_tests, engine_tests, is_good
):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *engine*) exit {engine_tests};; esac\nexit {all_tests}\n')
    python.chmod(0o700)

    done = subprocess.run(
        ["make", "test", "PYTHON=true", f"RUN={python}"], cwd=ROOT, capture_output=True, check=False
    )

    assert (done.returncode == 0) is is_good
