"""Each member of staff chooses their own time zone, without anybody's help."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from crmhub.models import Profile
from crmhub.tests.admin.conftest import save

pytestmark = pytest.mark.django_db
PAGE = "crmhub/profile/"


def test_the_menu_of_every_page_leads_there(onlooker):
    assert f'href="/admin/{PAGE}"' in onlooker.open("crmhub/task/")


def test_staff_who_may_not_see_users_choose_their_own_zone_and_see_it_at_once(onlooker, browser):
    save(due_at=datetime(2026, 6, 10, 12, 0, tzinfo=UTC))
    assert onlooker.client.get("/admin/auth/user/").status_code == 403

    onlooker.send(PAGE, {**onlooker.fill(PAGE), "time_zone": "Asia/Tokyo"})

    assert "Your times are in Asia/Tokyo from now on." in onlooker.said
    assert "10 Jun 2026, 21:00" in onlooker.open("crmhub/task/")
    assert "10 Jun 2026, 12:00" in browser.open("crmhub/task/")


def test_the_zone_is_changed_and_given_back_to_the_hub(onlooker):
    Profile.objects.create(user=onlooker.user, time_zone="Asia/Tokyo")
    values = onlooker.fill(PAGE)
    assert values["time_zone"] == "Asia/Tokyo"

    onlooker.send(PAGE, {**values, "time_zone": ""})

    assert Profile.objects.get().time_zone == ""
    assert "Your times are in UTC from now on." in onlooker.said


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x00", "x" * 5_000])
def test_a_zone_that_is_none_is_refused_beside_the_field(onlooker, zone):
    onlooker.send(PAGE, {**onlooker.fill(PAGE), "time_zone": zone})

    assert "is no time zone that is known here" in onlooker.page.context["form"].errors["time_zone"][0]
    assert not Profile.objects.exists()


def test_nobody_changes_the_profile_of_another(onlooker, ada):
    Profile.objects.create(user=ada, time_zone="Europe/Berlin")

    onlooker.send(PAGE, {"time_zone": "Asia/Tokyo", "user": str(ada.pk), "id": str(ada.profile.pk)})

    assert dict(Profile.objects.values_list("user__username", "time_zone")) == {
        "ada": "Europe/Berlin",
        "mallory": "Asia/Tokyo",
    }


def test_it_takes_a_login_and_a_token(onlooker, django_user_model):
    customer = django_user_model.objects.create_user("customer", password="x")
    strict, outside = Client(enforce_csrf_checks=True), Client()
    strict.force_login(onlooker.user)
    outside.force_login(customer)

    assert strict.post(f"/admin/{PAGE}", {"time_zone": "Asia/Tokyo"}).status_code == 403
    for stranger in (outside, Client()):
        assert stranger.post(f"/admin/{PAGE}", {"time_zone": "Asia/Tokyo"}).status_code == 302
    assert not Profile.objects.exists()
