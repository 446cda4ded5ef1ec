"""AppCRM and CalmCRM: two made-up CRMs that let apps in. AppCRM's refresh tokens work once and it takes a code challenge; CalmCRM's stay."""

from __future__ import annotations
