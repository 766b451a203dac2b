# The service: chat apps, API and schedule in one image, without torch. Training has an image of its own
# (deploy/Dockerfile.train), and serving is vLLM's.
#   docker build -t twin .
#   docker run --read-only --tmpfs /tmp -v twin:/data --env-file .env twin
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/twin && python -m venv /opt/build
COPY deploy/requirements-build.txt deploy/requirements-bot.txt deploy/
RUN /opt/build/bin/pip install --require-hashes -r deploy/requirements-build.txt \
    && /opt/twin/bin/pip install --require-hashes --no-deps -r deploy/requirements-bot.txt
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/twin/bin/pip install --no-deps /dist/*.whl

FROM python:3.11-slim-bookworm
# git reads the owner's repositories.
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /data twin && install -d -o 10001 -g 10001 /data /data/adapters
COPY --from=build /opt/twin /opt/twin
# The root file system may be read-only: what is written lies in /data and /tmp.
ENV PATH=/opt/twin/bin:$PATH HOME=/data TWIN_HOME=/data TWIN_API__HOST=0.0.0.0 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8700
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8700/healthz', timeout=5)"]
ENTRYPOINT ["twin"]
CMD ["up"]
