import { nativeCrypto } from "@sluice/crypto/native"
import { systemClock } from "@sluice/ops/clock"
import type { MetricsRegister } from "@sluice/ops/metrics"
import { createMessageProxy } from "@sluice/proxying/create-proxy"
import { createProxyMetrics } from "@sluice/proxying/metrics"
import { type ForwardedExecutor, runForwarded } from "@sluice/proxying/run-forwarded"
import { defaultRouting } from "@sluice/proxying/settings"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { commandError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { ServerSession } from "@sluice/transport/session"

/** One connection of a server: any object will do that stands for it. */
export interface Connection {
  readonly session: ServerSession
}

/** Both sides of private routing, as a server mounts them. */
export interface Mounted {
  /** Gives the answer to `PRXY`, `PFWD` and `RFWD`; its entity is that of the command. */
  run(connection: Connection, received: ReceivedCommand): Promise<BrokerMessage>
  closed(connection: Connection): void
  stop(): Promise<void>
}

/** `executor` runs the commands that other proxies forward to here. */
export function mount(register: MetricsRegister, executor: ForwardedExecutor): Mounted {
  const proxy = createMessageProxy(
    { enabled: true, routing: defaultRouting },
    { crypto: nativeCrypto, clock: systemClock, metrics: createProxyMetrics(register) },
  )
  return {
    async run(connection, { corrId, entityId, command }) {
      switch (command.tag) {
        case "PRXY":
        case "PFWD":
          return proxy.run(connection, { corrId, entityId, command })
        case "RFWD": {
          const { sessionId, sessionSecret, sessionKey } = connection.session
          const hop = { sessionId, sessionSecret, sessionKey: sessionKey?.privateKey }
          return runForwarded(nativeCrypto, hop, { corrId, request: command.request }, executor)
        }
        default:
          return { tag: "ERR", error: commandError("PROHIBITED") }
      }
    },
    closed: (connection) => proxy.closed(connection),
    stop: () => proxy.stop(),
  }
}
