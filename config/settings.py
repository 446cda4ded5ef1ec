"""Every setting of the hub, read from the environment; `.env.example` lists the names, units and defaults."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from celery.schedules import crontab

from config import environment, keys, logs, theme
from config.schedules import Every

BASE_DIR = Path(__file__).resolve().parent.parent

# Where settings come from ---------------------------------------------------------------------------

# VAR_DIR holds what the hub keeps on this machine: the SQLite database, local keys. It must be a local disk.
VAR_DIR = environment.load(BASE_DIR)

# Secrets --------------------------------------------------------------------------------------------

SECRET_KEY = environment.secret_key(kept_in=VAR_DIR / keys.FILES["SECRET_KEY"])
# The first key encrypts, all of them decrypt.
CREDENTIALS_KEYS = environment.credentials_keys(kept_in=VAR_DIR / keys.FILES["CREDENTIALS_KEYS"])

# The web --------------------------------------------------------------------------------------------

DEBUG = environment.flag("DEBUG")

_public_url = environment.origin("PUBLIC_URL")
_is_https = _public_url is not None and _public_url.scheme == "https"

# Empty: webhooks and OAuth are off, for no vendor can reach us.
PUBLIC_URL = f"{_public_url.scheme}://{_public_url.netloc}" if _public_url else ""
# The loopback names are for health checks; addresses in mails and webhooks are made from PUBLIC_URL.
ALLOWED_HOSTS = [
    *environment.words("ALLOWED_HOSTS", [_public_url.hostname or ""] if _public_url else []),
    *["localhost", "127.0.0.1", "[::1]"],
]
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", [PUBLIC_URL] if PUBLIC_URL else [])

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = environment.whole("HSTS_SECONDS", 2_592_000) if _is_https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The name and the value of the header by which a trusted proxy says that the visitor came over https.
SECURE_PROXY_SSL_HEADER = environment.header("SECURE_PROXY_SSL_HEADER")
# Without that header every request looks like plain http, and a redirect would never end.
SECURE_SSL_REDIRECT = _is_https and SECURE_PROXY_SSL_HEADER is not None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        # The admin theme compiles small expressions in the page.
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# The owner of the whole domain decides about subdomains and browser preload lists, not one application.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

# Applications ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "simple_history",
    "axes",
    "csp",
    "django_structlog",
    "crmhub",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crmhub.web.zones.zone_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            # Only the admin knows its theme, so what draws like it lives there.
            "libraries": {"rows": "crmhub.admin.rows"},
        },
    },
]

# Data -----------------------------------------------------------------------------------------------

_default_database = environment.database(
    "DATABASE_URL", folder=BASE_DIR, sqlite_default=VAR_DIR / "hub.sqlite3"
)

if _default_database["ENGINE"] == "django.db.backends.sqlite3":
    # It holds the database and keys, so nobody else may look into it.
    Path(_default_database["NAME"]).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _default_database["OPTIONS"] = {
        # A transaction that begins by reading cannot be upgraded to writing once another has written.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
    # A file, for a database in memory is one connection's own and its table locks wait for nobody.
    _default_database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    _default_database["CONN_MAX_AGE"] = environment.whole("CONN_MAX_AGE_SECONDS", 60)
    _default_database["CONN_HEALTH_CHECKS"] = True
    # After so long without a word inside a transaction PostgreSQL takes a process for gone, and frees what it had locked.
    _idle = environment.whole("IDLE_TRANSACTION_SECONDS", 30, at_most=86_400)
    _default_database["OPTIONS"] = {
        "connect_timeout": 5,
        **({"options": f"-c idle_in_transaction_session_timeout={_idle}s"} if _idle else {}),
        **_default_database.get("OPTIONS", {}),
    }

DATABASES = {"default": _default_database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": environment.cache("CACHE_URL")}

# The key model is ours, so knox's own table would stay empty for ever.
KNOX_TOKEN_MODEL = "crmhub.ApiKey"
MIGRATION_MODULES = {"knox": None}

# People ---------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# A stranger who guesses passwords locks out their own address for that name, not the person.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# The proxies between the internet and the hub, each of which appends to X-Forwarded-For.
_proxies = environment.whole("PROXY_COUNT", 0)
AXES_IPWARE_PROXY_COUNT = _proxies or None
AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR" if _proxies else "REMOTE_ADDR"]

# Language, time, mail -------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
# Moments are stored and computed in UTC; each person sees their own zone.
TIME_ZONE = "UTC"
# The zone of people and accounts that name none.
HUB_TIME_ZONE = environment.time_zone("HUB_TIME_ZONE", "UTC")

_email = environment.email("EMAIL_URL")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _email.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _email.get("EMAIL_FILE_PATH") or None
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "crmhub@localhost")

# Static files ---------------------------------------------------------------------------------------

STATIC_URL = "/static/"
# Empty: files are served straight from the packages, and nothing has to be collected first.
STATIC_ROOT = environment.text("STATIC_ROOT") or None
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG

# API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["knox.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": _proxies,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    # A key works until somebody revokes it, unless it was made with an end.
    "TOKEN_TTL": None,
    # Lets people and secret scanners see what a stray key belongs to.
    "TOKEN_PREFIX": "crmhub_",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "crmhub",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Of fields that share a name and not their choices.
    "ENUM_NAME_OVERRIDES": {
        "KindEnum": "crmhub.models.records.Record.Kind",
        "SyncStatusEnum": "crmhub.api.shapes.STATUSES",
    },
}

# Sync -----------------------------------------------------------------------------------------------

# How long a worker may hold a link. The three limits below must stay in this order, each under the one above.
LEASE_SECONDS = environment.seconds("LEASE_SECONDS", 60)
JOB_HARD_LIMIT = environment.seconds("JOB_HARD_LIMIT", LEASE_SECONDS * 3 / 4)
JOB_SOFT_LIMIT = environment.seconds("JOB_SOFT_LIMIT", LEASE_SECONDS * 2 / 3)
HTTP_DEADLINE_SECONDS = environment.seconds("HTTP_DEADLINE_SECONDS", LEASE_SECONDS / 3)

SWEEP_SECONDS = environment.seconds("SWEEP_SECONDS", 5)
WORKERS = environment.whole("WORKERS", 4, at_least=1)
# How long attempts are kept, and what went over the wire with them; 0 keeps for ever.
KEEP_ATTEMPTS_DAYS = environment.whole("KEEP_ATTEMPTS_DAYS", 90)
KEEP_PAYLOADS_DAYS = environment.whole("KEEP_PAYLOADS_DAYS", 30)
# A change of more tasks than these at once is shown before it is made.
BRAKE_TASKS = environment.whole("BRAKE_TASKS", 100, at_least=1)
BRAKE_PERCENT = environment.whole("BRAKE_PERCENT", 20, at_least=1)
# Lets a connection call hosts other than its vendor's. For simulators and tests: it can send secrets anywhere.
ALLOW_CUSTOM_CRM_HOSTS = environment.flag("ALLOW_CUSTOM_CRM_HOSTS")

# Redis and Celery -----------------------------------------------------------------------------------

# `manage.py up` and `manage.py demo` start a server of their own; commands beside them find it in var/running.json.
REDIS_URL = environment.redis_url("REDIS_URL")
# What a save waits at most for the broker, twice: once to connect, once to be answered.
WAKE_TIMEOUT_SECONDS = environment.seconds("WAKE_TIMEOUT_SECONDS", 0.05)

CELERY_BROKER_URL = environment.broker_url("CELERY_BROKER_URL", redis=REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # kombu would otherwise try again by itself, for seconds, whatever publish_retry says.
    "max_retries": 0,
    "visibility_timeout": 600,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A broker that is full refuses even what a worker asks when it starts.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "crmhub"
CELERY_TASK_TIME_LIMIT = JOB_HARD_LIMIT
CELERY_TASK_SOFT_TIME_LIMIT = JOB_SOFT_LIMIT
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_CONCURRENCY = WORKERS
# Messages are acknowledged early: they only wake, and the sweep finds whatever was lost. A worker that kept
# more than one would let the others idle.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Jobs that may share a database connection; config.celery ends those that are old or broken.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# The schedule is code; a file beside it would only remember when each entry last ran.
CELERY_BEAT_SCHEDULER = "config.schedules:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = SWEEP_SECONDS
# Nothing here may expire: a worker whose clock runs ahead would throw every one away. Jobs themselves see to it that of several only one does the work.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "crmhub.sweep", "schedule": Every(SWEEP_SECONDS)},
    # The frequent sweep compares recent saves with their links; this one compares all of them.
    "sweep-everything": {
        "task": "crmhub.sweep",
        "schedule": crontab(minute="7"),
        "kwargs": {"everything": True},
    },
    "prune": {"task": "crmhub.prune", "schedule": crontab(minute="37")},
}

# Logs -----------------------------------------------------------------------------------------------

LOGGING = logs.logging_settings(
    form=environment.choice("LOG_FORMAT", "console", options=("console", "json")),
    level=environment.choice("LOG_LEVEL", "INFO", options=("DEBUG", "INFO", "WARNING", "ERROR")),
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# A job that went well is told by what it changed.
DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_TASK_SUCCESS_LOG_LEVEL = logging.DEBUG

# Admin theme ----------------------------------------------------------------------------------------

UNFOLD = theme.unfold_settings()
