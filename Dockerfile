# etcd-lb as an image: Node, one file, and the packages with which it asks members what they are.
#
#   docker build -t etcd-lb .
#   docker run --network host -v /etc/etcd-lb:/etc/etcd-lb:ro etcd-lb run --config /etc/etcd-lb/etcd-lb.yaml
#
# Both stages start from the same release of Node as package.json pins. For a build that can be
# repeated to the byte, pin its content too: --build-arg NODE_DIGEST=sha256:...

ARG NODE_TAG=26.10.0-bookworm-slim
ARG NODE_DIGEST=

FROM node:${NODE_TAG}${NODE_DIGEST:+@$NODE_DIGEST} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Not `npm ci`, for the reason in src/demo/setup.sh; versions and hashes are the lockfile's all the same.
RUN npm install --no-save --no-audit --no-fund
COPY src ./src
# The bundle runs without node_modules, but for the questions over gRPC: etcd3 reads its protocol from
# files of its own, so that it is not bundled.
RUN npm run build \
 && mkdir /app && cp dist/etcd-lb.js /app/ \
 && node /app/etcd-lb.js --version \
 && NODE_COMPILE_CACHE=/app/compiled node /app/etcd-lb.js config --endpoints 127.0.0.1:12379 >/dev/null \
 && npm prune --omit=dev --no-audit --no-fund && cp -r node_modules /app/

FROM node:${NODE_TAG}${NODE_DIGEST:+@$NODE_DIGEST}
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
# The default --observe; with another one, or off, use --health-cmd or --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9379/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/etcd-lb.js"]
CMD ["run"]
