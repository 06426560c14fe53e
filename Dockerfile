# Build: everything from the lockfile, then one folder with plain JavaScript and run-time packages only.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY scripts ./scripts
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY sidecar ./sidecar
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
# glibc: bodies from 128 KiB go back to the system as soon as they are freed, threads share two heaps.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# Writes nothing to its own file system, so a read-only root works. Handles SIGTERM itself, so it may be process 1.
USER 65532:65532
EXPOSE 8080 9002 9003 9010 9090
# A small young generation is collected often, and with it the bodies' memory outside of the heap, before 64 MiB of that
# has V8 collect everything.
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=8", "dist/main.js"]
CMD ["serve", "--config", "/etc/warmroute/config.yaml"]
