import { createServer } from "node:net"
import { fromHex } from "@sluice/encoding/bytes"
import { createAdminServer } from "@sluice/ops/admin-server"
import { type Bind, bindOf, formatBind } from "@sluice/ops/bind"
import { systemClock } from "@sluice/ops/clock"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { OperatorError } from "@sluice/ops/operator-error"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import type { Service } from "@sluice/ops/service"
import type { Place, Settings } from "../place.ts"
import { removeRunRecord, writeRunRecord } from "../run-record.ts"
import type { View } from "../serve/view.ts"
import { VERSION } from "../version.ts"
import { type CommonGround, checkGround, type GroundKind, openGround } from "./common-ground.ts"
import { fleetMetrics, fleetRoutes } from "./member-admin.ts"
import type { MemberSpec } from "./member-messages.ts"
import { Supervisor } from "./supervisor.ts"

/** What processes share, how many there are, and who watches. */
export interface FleetOptions {
  readonly kind: GroundKind
  readonly count: number
  readonly view: View
}

/** Several relay processes on one store, behind one port, as a program. */
export function fleetProgram(place: Place, settings: Settings, options: FleetOptions): Program {
  const { config } = settings
  const { kind, view, count } = options
  const { sink } = view
  checkGround(kind, settings)
  const log = createLog({ ...config.log, service: "supervisor" }, { clock: systemClock, ...(sink && { sink }) })
  const metrics = new Metrics()
  registerProcessMetrics(metrics, { version: VERSION })
  const readiness = new Readiness(systemClock)
  let ground: CommonGround | undefined
  const spec = specOf(place, settings, () => ground, sink !== undefined)
  const supervisor = new Supervisor({ count, sink, spec }, { clock: systemClock, log, register: metrics.register })
  readiness.add("workers", () => supervisor.serving.length > 0)
  const render = async (): Promise<string> => fleetMetrics(await metrics.render(), supervisor.serving)
  const routes = fleetRoutes({
    members: () => supervisor.serving,
    token: config.admin.token,
    restart: () => supervisor.restartAll(),
    log: log.child("admin"),
  })
  const admin = createAdminServer(
    { ...config.admin, routes },
    { metrics: { render, contentType: metrics.contentType }, readiness, log: log.child("admin") },
  )
  const service: Service = {
    async start(signal) {
      await ensureFree(config.relay.bind.map((address) => bindOf(address, config.relay.port)))
      await admin.listen()
      const { port, fingerprint } = await openGround(kind, place, settings)
        .then((opened) => {
          ground = opened
          return supervisor.start(signal)
        })
        .catch(async (error: unknown) => {
          await ground?.close()
          await admin.close()
          throw error
        })
      await writeRunRecord(place, { pid: process.pid, port, adminPort: admin.address.port })
      await view.started({ port, fingerprint: fromHex(fingerprint) }, () => supervisor.status)
    },
    async stop(deadline) {
      view.stopping()
      // At once: where a whole group is signalled, the processes end by themselves, and are not to be started again.
      const stopped = supervisor.stop(deadline)
      await removeRunRecord(place)
      await stopped
      await ground?.close()
      await admin.close()
    },
    async reload() {
      supervisor.reload()
    },
  }
  return { service, log, readiness, grace: config.shutdown.grace }
}

/** What is not as the operator's settings say, because the processes share one place. */
function specOf(
  { dataFolder, configFile, configNamed }: Place,
  { config }: Settings,
  ground: () => CommonGround | undefined,
  terminal: boolean,
) {
  return (index: number, life: { readonly port: number | undefined; readonly first: boolean }): MemberSpec => ({
    index,
    dataFolder,
    configFile: configNamed ? configFile : undefined,
    hub: ground()?.hub,
    redisPasswordFile: ground()?.redisPasswordFile,
    overrides: {
      "relay.port": life.port ?? config.relay.port,
      "relay.share_port": true,
      // Once is enough, and a process that comes back after a crash is wanted soon.
      "relay.expire_on_start": config.relay.expireOnStart && life.first,
      "admin.bind": "127.0.0.1",
      "admin.port": 0,
      // Each process writes the figures of its own: a line of one day is the sum of their lines.
      ...(index > 0 && { "statistics.path": `${config.statistics.path}/worker-${index}` }),
      ...(terminal && config.log.format === "auto" && { "log.format": "pretty" }),
      ...ground()?.overrides,
    },
  })
}

/** Sharing a port must not go unnoticed: with another relay of this user on it, clients would reach the wrong one. */
async function ensureFree(binds: readonly Bind[]): Promise<void> {
  for (const bind of binds.filter(({ port }) => port !== 0)) {
    await new Promise<void>((resolve, reject) => {
      const server = createServer()
      server.once("error", (error: NodeJS.ErrnoException) => {
        reject(new OperatorError(`cannot listen on ${formatBind(bind)} (${error.code})`, { cause: error }))
      })
      server.listen({ ...bind, ipv6Only: bind.host?.includes(":") ?? false }, () => server.close(() => resolve()))
    })
  }
}
