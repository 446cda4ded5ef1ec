# The image of the web server, the workers and beat; compose.yaml runs it.

FROM python:3.13-slim AS packages
COPY requirements.txt .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOG_FORMAT=json \
    STATIC_ROOT=/hub/staticfiles \
    VAR_DIR=/var/lib/crmhub
RUN useradd --system --uid 10001 --no-create-home hub \
 && install --directory --owner=hub /var/lib/crmhub
WORKDIR /hub
COPY --from=packages /venv /venv
COPY . .
# Needs no secrets, so none is left in a layer.
RUN python manage.py collectstatic --noinput
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--threads=8", "--worker-tmp-dir=/dev/shm"]
