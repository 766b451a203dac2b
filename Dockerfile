# The bot: small, no torch. Build the model server's image with --target serve.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY twin twin
COPY bot bot
COPY brain brain
COPY learning learning
COPY ingest ingest
COPY storage storage
RUN python -m venv /opt/twin && /opt/twin/bin/pip install --no-cache-dir -c constraints.txt .

FROM python:3.11-slim-bookworm AS bot
# git reads the owner's repositories.
RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 twin && install -d -o twin -g twin /data
COPY --from=build /opt/twin /opt/twin
ENV PATH=/opt/twin/bin:$PATH TWIN_HOME=/data PYTHONUNBUFFERED=1
USER twin
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["twin", "doctor", "--quick"]
ENTRYPOINT ["twin"]
CMD ["up"]

FROM build AS build-serve
COPY deploy/install.sh deploy/install.sh
RUN /opt/twin/bin/pip install --no-cache-dir -c constraints.txt '.[train]'

FROM bot AS serve
COPY --from=build-serve /opt/twin /opt/twin
HEALTHCHECK --interval=30s --timeout=10s --start-period=300s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
CMD ["serve"]

# The last stage is what a plain `docker build .` makes.
FROM bot
