"""The contract suite is worth something: providers that are wrong on purpose fail it, each for its own mistake and no other."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from providers.registry import codes
from providers.tests.wrong import WRONG

ROOT = Path(__file__).resolve().parents[2]
# What is left of the suite's verdict when the parameters are cut off: the tests that fail.
NOTICED_BY: Mapping[str, set[str]] = {
    "right": set(),
    "creates_twice": {
        "test_a_lost_answer_to_a_create_is_unconfirmed_and_the_task_is_found",
        "test_a_create_without_a_verdict_that_did_not_land_is_unconfirmed_and_not_found",
        "test_an_error_inside_a_200_is_no_success",
    },
    "ignores_the_key": {
        "test_another_generation_or_another_link_is_not_found",
        "test_two_tasks_with_the_same_words_are_two_tasks",
        "test_a_create_without_a_verdict_that_did_not_land_is_unconfirmed_and_not_found",
    },
    "drops_a_field": {
        "test_a_created_task_holds_every_field_that_is_called_full",
        "test_a_created_task_is_in_the_crm_as_a_person_would_read_it",
        "test_what_the_answer_to_a_create_tells_is_true",
        "test_a_body_comes_back_as_it_was_sent",
    },
    "skips_a_page": {"test_a_listing_names_every_live_task"},
    "lists_without_keys": {"test_a_listed_task_tells_the_key_that_lies_on_it"},
    "accepts_a_forgery": {
        "test_who_does_not_know_the_secret_is_not_believed",
        "test_what_was_changed_on_the_way_is_not_believed",
        "test_an_old_recording_is_not_believed",
        "test_without_a_secret_nothing_is_believed",
    },
    "leaks_a_secret": {"test_a_secret_that_the_vendor_repeats_is_in_no_error_and_no_exchange"},
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """The suite's verdict on each of them: the tests that failed."""
    report = tmp_path_factory.mktemp("wrong") / "report.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "providers.tests.wrong.plugin",
    ]
    command += [f"--junitxml={report}", "providers/tests/contract"]
    command += [f"--ignore=providers/tests/contract/test_{name}.py" for name in ("simulators", "strangers")]
    surroundings = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    verdict = defaultdict(set)
    for case in ElementTree.parse(report).iter("testcase"):
        name, _, parameters = str(case.get("name")).partition("[")
        if case.find("failure") is not None or case.find("error") is not None:
            verdict[next(code for code in WRONG if code in parameters)].add(name)
    return verdict


@pytest.mark.parametrize("code", WRONG)
def test_each_mistake_is_noticed_by_the_tests_that_are_about_it(failed, code):
    assert failed[code] >= NOTICED_BY[code]


def test_they_are_registered_in_a_run_of_their_own_and_in_no_other():
    assert not set(WRONG) & set(codes())


def test_who_makes_no_mistake_passes(failed):
    assert failed["right"] == set()
