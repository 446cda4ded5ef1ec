"""What every answer of the web server carries, and the files it serves by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_front_door_leads_to_the_admin(client):
    answer = client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_pages_run_no_foreign_code_and_fit_into_no_frame(client):
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_static_files_need_no_collecting(client):
    answer = client.get("/static/admin/css/base.css")

    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)


def test_collected_files_are_found_by_their_hashed_names(tmp_path):
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path / "var")}

    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        cwd=ROOT,
        env={**environment, "STATIC_ROOT": str(tmp_path / "static")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()


def test_a_web_process_loads_its_pages_at_once_and_spares_the_garbage_collector_what_stays():
    look = "import gc, sys, config.wsgi; print('crmhub.api.urls' in sys.modules, gc.get_freeze_count() > len(gc.get_objects()))"

    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.split() == ["True", "True"], done.stderr
