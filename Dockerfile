# The image of `longhand serve`: CPU, not root, its models inside. docs/deploy.md says how it is built and run, and how
# large it is; `python -m deploy.clean_root` executes the same steps, read from this file, where no engine can run.
#
# Debian's own Python is 3.11 here, which longhand asks for, so that there is no second one beside it.
FROM debian:bookworm-slim AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/*.log


# What stays here: a compiler, pip, and whatever both leave behind.
FROM base AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ python3-venv
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY constraints.txt pyproject.toml ./
RUN python3 -m venv /tools \
 && /tools/bin/pip install --constraint constraints.txt --upgrade pip \
 && python3 -m venv --without-pip /opt/longhand
# PyPI's torch for Linux brings gigabytes of CUDA along, this index does not. Another one: --build-arg TORCH_INDEX=URL.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN /tools/bin/pip --python /opt/longhand/bin/python install --no-deps --index-url "$TORCH_INDEX" \
      --constraint constraints.txt torch
# What longhand needs comes before longhand, in a layer of its own: it changes only with these two files.
RUN /tools/bin/python -c 'import tomllib; \
      project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
      extras = project["optional-dependencies"]; \
      print(*project["dependencies"], *extras["serve"], *extras["s3"], sep="\n")' > /requirements.txt \
 && /tools/bin/pip --python /opt/longhand/bin/python install --constraint constraints.txt --requirement /requirements.txt
# Headers, test programs, and the tests of the libraries. torch starts one of its programs, so that one stays.
RUN cd /opt/longhand/lib/python3.11/site-packages \
 && rm -rf torch/include torch/share torch/test matplotlib/mpl-data/sample_data \
 && find torch/bin -type f ! -name torch_shm_manager -delete \
 && find matplotlib mpl_toolkits networkx numpy sympy -type d -name tests -prune -exec rm -rf {} +
COPY . .
# A wheel carries the kernels for every processor of this architecture; which one is used is decided where it runs.
RUN /tools/bin/pip wheel --no-deps --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/longhand/bin/python install --no-deps --root /package /wheels/*.whl


FROM base
RUN groupadd --system --gid 10001 longhand \
 && useradd --system --uid 10001 --gid longhand --no-create-home --home-dir /tmp --shell /usr/sbin/nologin longhand \
 && install --directory --owner longhand --group longhand /registry
COPY --from=build /opt/longhand /opt/longhand
COPY --from=build /package /
# One thread: models this small lose time with more, and replicas share a machine. The cache holds versions that were
# fetched from the registry; /tmp is the one place that a read-only container has to be given.
ENV PATH=/opt/longhand/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    LONGHAND_REGISTRY=/registry \
    LONGHAND_CACHE=/tmp/longhand
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /tmp
# An image without its kernels would serve, slowly, and nobody would notice.
RUN ["python", "-c", "import sys; from longhand.native.library import load, status; load() or sys.exit(status())"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["longhand"]
# Less than the ten seconds that `docker stop` waits.
CMD ["serve", "--host", "0.0.0.0", "--port", "8000", "--drain-seconds", "8"]
