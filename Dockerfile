# etcd-lb as an image: Node and one file, with its licences and its bill of materials.
#
#   docker build -t etcd-lb .
#   docker run --read-only --network host -v /etc/etcd-lb:/etc/etcd-lb:ro etcd-lb run --config /etc/etcd-lb/etcd-lb.yaml
#
# Both stages start from the same release of Node as package.json pins. For a build that can be
# repeated to the byte, pin its content too: --build-arg NODE_DIGEST=sha256:... Another registry:
# --build-arg NODE_IMAGE=registry.example.com/node

ARG NODE_IMAGE=docker.io/library/node
ARG NODE_TAG=26.10.0-bookworm-slim
ARG NODE_DIGEST=

FROM ${NODE_IMAGE}:${NODE_TAG}${NODE_DIGEST:+@$NODE_DIGEST} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`, for the reason in src/demo/setup.sh; versions and hashes are the lockfile's all the same.
RUN npm install --no-save --no-audit --no-fund --ignore-scripts
COPY LICENSE ./
COPY config ./config
COPY src ./src
RUN npm run build && install -D dist/etcd-lb.js /app/etcd-lb.js && install -d -o 1000 /app/compiled
# What is in that file, for people and for scanners. What Node and the base image contain they find by themselves.
RUN install -m 644 LICENSE dist/NOTICE dist/etcd-lb.cdx.json /app/
# As the user of the image: what Node compiled for one user it does not take from another.
USER 1000:1000
RUN cd /app && node etcd-lb.js --version \
 && NODE_COMPILE_CACHE=/app/compiled node etcd-lb.js config --endpoints 127.0.0.1:12379 >/dev/null

FROM ${NODE_IMAGE}:${NODE_TAG}${NODE_DIGEST:+@$NODE_DIGEST}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="etcd-lb" \
      org.opencontainers.image.description="A load balancer for etcd: one healthy address in front of a cluster." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /app /app
# Compiled once, at build time; it cannot be written to later.
ENV NODE_COMPILE_CACHE=/app/compiled
# A number, so that Kubernetes can tell it is not root (runAsNonRoot). It must be able to read the
# files of --cacert, --cert and --key; kubeadm's keys are root's alone.
USER 1000:1000
EXPOSE 2379 9379
STOPSIGNAL SIGTERM
# Finds out by itself where --observe is, from the command line of process 1.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s --retries=3 \
  CMD ["node", "/app/etcd-lb.js", "healthcheck"]
ENTRYPOINT ["node", "/app/etcd-lb.js"]
CMD ["run"]
