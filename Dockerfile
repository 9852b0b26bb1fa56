FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/quartermaster
WORKDIR /source
COPY . .
RUN /opt/quartermaster/bin/pip install --constraint constraints.txt ".[postgres,agent]"

FROM python:3.12-slim
COPY --from=build /opt/quartermaster /opt/quartermaster
RUN useradd --uid 10001 --home-dir /var/lib/quartermaster --create-home --shell /usr/sbin/nologin quartermaster
ENV PATH=/opt/quartermaster/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUARTERMASTER_HOME=/var/lib/quartermaster
USER quartermaster
WORKDIR /var/lib/quartermaster
VOLUME /var/lib/quartermaster
EXPOSE 8765
CMD ["quartermaster", "serve", "--host", "0.0.0.0", "--port", "8765"]
