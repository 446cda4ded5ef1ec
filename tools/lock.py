"""Write requirements.txt and requirements-dev.txt anew: exact versions with hashes, for every supported Python and machine.

`make lock` takes the newest versions that requirements.in and requirements-dev.in allow. It installs uv into a temporary folder; the
locks themselves are plain pip files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ["--universal", "--python-version", "3.11", "--generate-hashes"]
# The locks say nothing about where they were made.
QUIET = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]


def main() -> int:
    """Return the exit status of the last step that ran."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        for name in ("requirements", "requirements-dev"):
            command = [python, "-m", "uv", "pip", "compile", "--upgrade", *OPTIONS, *QUIET, f"{name}.in"]
            status = subprocess.run([*command, "--output-file", f"{name}.txt"], cwd=ROOT).returncode
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
