# The program with all its plugins, as its Debian package installs it.
#
#     docker build -t coco-fleet-deployer .
#     docker run -e FLEET_ENDPOINT=http://1.2.3.4:49153 -e ROOT_URI=https://raw.githubusercontent.com/example/cluster/master/ \
#         -v deployer-state:/var/lib/coco-fleet-deployer coco-fleet-deployer
#
# It needs BuildKit, which docker has on by default from 23.0 on (before, DOCKER_BUILDKIT=1), or else buildah or podman.
#
# These variables configure it: FLEET_ENDPOINT and ROOT_URI, which have to be there, DESTROY, SOCKS_PROXY, IS_DEBUG, ETCD_URL,
# NO_OF_SECS_TO_SLEEP_BEFORE_RESTART, HEALTH_URL_PREFIX, HEALTH_ENDPOINT and SERVICE_NAME_PREFIX (docs/COMMANDS.md).
# With a configuration file, and for any other command, the arguments are the program's: run --config FILE.
# What it is linked to is in /usr/share/coco-fleet-deployer/sbom.cdx.json.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY . .
# Of the last commit, whose time is not known in here: the same sources then give the same packages.
ARG SOURCE_DATE_EPOCH
RUN ./dev package

FROM ${BASE}
# The number is the same in every image, so that a volume may outlive it.
RUN --mount=type=bind,from=build,source=/src/build/packages,target=/packages \
    groupadd --system --gid 10001 coco-fleet-deployer && \
    useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/coco-fleet-deployer --shell /usr/sbin/nologin coco-fleet-deployer && \
    apt-get -q update && \
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
        ca-certificates systemd-standalone-sysusers /packages/coco-fleet-deployer_*.deb && \
    rm -rf /var/lib/apt/lists/* && \
    install -d -o 10001 -g 10001 -m 0700 /var/lib/coco-fleet-deployer

ENV STATE_DIRECTORY=/var/lib/coco-fleet-deployer
VOLUME /var/lib/coco-fleet-deployer
USER 10001:10001
# As the first process it needs no init: it passes signals on to a second one, its own, and buries what is left behind there.
# SIGTERM ends it within 2 s, SIGHUP has it read its configuration again.
ENTRYPOINT ["/usr/bin/coco-fleet-deployer"]
