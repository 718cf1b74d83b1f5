// The health check of the image: exit code 0 when the service of this container is ready, 1 when it is not or does not say.
import { readEnv } from "../packages/ops/src/env.ts"

const { SLUICE_ADMIN_PORT, SLUICE_ADMIN_BIND } = readEnv()

/** A service that listens everywhere is asked at the loopback address. */
const host = SLUICE_ADMIN_BIND && !["*", "0.0.0.0", "::"].includes(SLUICE_ADMIN_BIND) ? SLUICE_ADMIN_BIND : "127.0.0.1"
const authority = host.includes(":") ? `[${host}]` : host

const isReady = await fetch(`http://${authority}:${SLUICE_ADMIN_PORT || "9223"}/readyz`, {
  signal: AbortSignal.timeout(4000),
}).then(
  ({ ok }) => ok,
  // Nobody listens there, or nobody answers: not ready.
  () => false,
)
process.exit(isReady ? 0 : 1)
