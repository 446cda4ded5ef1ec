"""`manage.py check` refuses settings by which the hub would go wrong."""

from __future__ import annotations

import pytest
from django.core.checks import Error, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from providers import registry


def ids(*, deploy: bool = False) -> set[str]:
    return {str(one.id) for one in run_checks(include_deployment_checks=deploy) if isinstance(one, Error)}


def test_the_settings_of_these_tests_pass():
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_SECONDS", 45),
        ("LEASE_SECONDS", 10),
        ("JOB_HARD_LIMIT", 60),
        ("JOB_HARD_LIMIT", 40),
        ("JOB_SOFT_LIMIT", 20),
        ("JOB_SOFT_LIMIT", 300),
        ("HTTP_DEADLINE_SECONDS", 40),
        ("HTTP_DEADLINE_SECONDS", 120),
    ],
)
def test_limits_by_which_a_job_could_outlive_its_lease_are_refused(settings, name, value):
    settings.HTTP_DEADLINE_SECONDS, settings.JOB_SOFT_LIMIT = 20, 40
    settings.JOB_HARD_LIMIT, settings.LEASE_SECONDS = 45, 60
    before = ids()
    setattr(settings, name, value)

    with pytest.raises(SystemCheckError, match=r"crmhub.E001.*must hold") as refusal:
        call_command("check")

    assert before == set()
    assert f"{name} ({value})" in str(refusal.value)


@pytest.mark.parametrize(
    "path", ["providers.nowhere.provider.Nowhere", "providers.hubspot.provider.Misspelt"]
)
def test_a_crm_that_cannot_be_loaded_is_named(monkeypatch, path):
    monkeypatch.setitem(registry.PROVIDERS, "nowhere", path)

    [error] = [one for one in run_checks() if one.id == "crmhub.E002"]

    assert "The CRM 'nowhere' cannot be loaded" in error.msg


@pytest.mark.parametrize(("is_allowed", "found"), [(True, {"crmhub.E003"}), (False, set())])
def test_a_deployment_sends_secrets_to_the_vendors_only(settings, is_allowed, found):
    settings.ALLOW_CUSTOM_CRM_HOSTS = is_allowed

    assert ids(deploy=True) == found
    assert ids() == set()


@pytest.mark.parametrize(("value", "found"), [("after_post", {"crmhub.E004"}), ("", set())])
def test_a_deployment_has_no_process_that_dies_on_purpose(settings, monkeypatch, value, found):
    settings.ALLOW_CUSTOM_CRM_HOSTS = False
    monkeypatch.setenv("FAULT_AT", value)

    assert ids(deploy=True) == found
    assert ids() == set()


def test_check_deploy_says_how_to_mend_it(settings):
    settings.ALLOW_CUSTOM_CRM_HOSTS = True

    with pytest.raises(SystemCheckError, match="It is for demo and tests only; leave it out"):
        call_command("check", deploy=True)
