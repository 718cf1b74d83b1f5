// What is the same in every service that speaks in blocks: what it listens on, and how it starts, reloads, drains and stops.
import { type AdminServerOptions, createAdminServer } from "@sluice/ops/admin-server"
import type { Bind } from "@sluice/ops/bind"
import type { Readiness } from "@sluice/ops/readiness"
import { type OwnedService, ownedService } from "@sluice/ops/service"
import { secondsLeft } from "@sluice/transport/certificates"
import { createBlockServer } from "./block-server.ts"
import { identityReload } from "./identity-reload.ts"
import type { BlockSession } from "./protocol.ts"
import type { ListenAddress } from "./server.ts"
import { type ServerIdentity, warnBeforeExpiry } from "./server-identity.ts"
import { createServerMetrics, type ServerMetrics } from "./server-metrics.ts"
import type { ServerOptions } from "./server-options.ts"
import type { ServiceComponents } from "./service-components.ts"

/** A service that was put together. */
export interface BlockService extends OwnedService {
  /** Takes over new certificates; rejects with `OperatorError` for bad ones. */
  reload(): Promise<void>
  /** Finishes and closes the sessions and accepts no more, within `grace` ms; administrators are still served. */
  drain(grace: number): void
  /** Where it listens for sessions, with the real ports. Empty before `start`. */
  readonly addresses: readonly ListenAddress[]
  /** Where it serves metrics and health, with the real port. Throws before `start`. */
  readonly adminAddress: Bind
  /** Fingerprint of its identity, 32 bytes: the key hash in its address. */
  readonly fingerprint: Uint8Array
  readonly readiness: Readiness
  /** What is counted of its connections. */
  readonly serverMetrics: ServerMetrics
}

/** What is a service's own. */
export interface BlockServiceOptions<Params extends BlockSession, Command> {
  readonly identity: ServerIdentity
  readonly server: Omit<ServerOptions<Params, Command>, "credentials">
  readonly admin: AdminServerOptions
  readonly life: ServiceLife
}

/** What a service does at the stations of its life, besides what all do. */
export interface ServiceLife {
  /** Before it listens anywhere. */
  prepare?(signal: AbortSignal): Promise<void>
  /** It listens: begins what else it does, jobs among it. If this fails, the start does. */
  begin(): Promise<void>
  /** It has started, and is ready as far as its checks say so. */
  serving(): void
  /**
   * The last session has ended: ends everything that was or may have been begun, jobs among it. Administrators are served
   * until it is done. When `deadline` aborts, no time is left.
   */
  finish(deadline: AbortSignal): Promise<void>
}

const DAY = 86_400_000

/**
 * Puts a service together; it listens only with `start`. The administrators' server comes first and goes last, so that the
 * state of a service that starts or stops can be seen.
 */
export function createBlockService<Params extends BlockSession, Command>(
  { identity: loaded, server: serverOptions, admin: adminOptions, life }: BlockServiceOptions<Params, Command>,
  { log, crypto, clock, metrics, register, readiness, jobs }: ServiceComponents,
): BlockService {
  const serverMetrics = createServerMetrics(register)
  const server = createBlockServer(
    { ...serverOptions, credentials: loaded.present },
    { crypto, clock, log: log.child("server"), metrics: serverMetrics },
  )
  const identity = identityReload(
    { ...loaded, use: (credentials) => server.useCredentials(credentials) },
    { crypto, clock, log, register },
  )
  register.gaugeFrom(
    { name: "sluice_certificate_seconds_left", help: "Time until the first certificate of the chain expires" },
    () => secondsLeft(identity.present, clock.now() / 1000),
  )
  const checkCertificate = async (): Promise<void> => warnBeforeExpiry(identity.present, clock, log)
  jobs.add({ name: "certificate-dates", every: DAY, firstAfter: 0, run: checkCertificate })
  const admin = createAdminServer(adminOptions, { metrics, readiness, log: log.child("admin") })

  const {
    start,
    stop,
    [Symbol.asyncDispose]: dispose,
  } = ownedService({
    async start(signal) {
      await life.prepare?.(signal)
      await admin.listen()
      await server.start(signal)
      await identity.start()
      await life.begin()
      readiness.started()
      life.serving()
    },
    async stop(deadline) {
      readiness.drain()
      identity.stop()
      await server.stop(deadline)
      await life.finish(deadline)
      await admin.close()
    },
  })
  return {
    start,
    stop,
    [Symbol.asyncDispose]: dispose,
    reload: () => identity.reload(),
    drain(grace) {
      readiness.drain()
      const deadline = new AbortController()
      const timer = clock.setTimeout(() => deadline.abort(), grace)
      server
        .stop(deadline.signal)
        .catch((error: unknown) => log.error("draining failed", { error }))
        .finally(() => timer.cancel())
    },
    get addresses() {
      return server.addresses
    },
    get adminAddress() {
      return admin.address
    },
    get fingerprint() {
      return identity.present.fingerprint
    },
    readiness,
    serverMetrics,
  }
}
