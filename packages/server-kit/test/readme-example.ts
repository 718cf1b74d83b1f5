import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import { systemClock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { MetricsRegister } from "@sluice/ops/metrics"
import { createBlockServer } from "@sluice/server-kit/block-server"
import type { BlockServer } from "@sluice/server-kit/server"
import { createServerMetrics } from "@sluice/server-kit/server-metrics"
import { defaultServerSettings } from "@sluice/server-kit/server-settings"
import { type SmpSessionFactory, smpProtocol } from "@sluice/server-kit/smp"
import { commandError } from "@sluice/smp-protocol/errors"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import type { Credentials } from "@sluice/transport/credentials"

/** Answers PING, and tells every client that nothing else is allowed. */
const sessions: SmpSessionFactory = ({ params }) => ({
  handle: (commands) =>
    commands.map(({ command, corrId, entityId }) =>
      command.tag === "PING"
        ? encodeResponse(params, corrId, EMPTY, { tag: "PONG" })
        : encodeResponse(params, corrId, entityId, { tag: "ERR", error: commandError("PROHIBITED") }),
    ),
})

/** A server for SMP; `start` it, and `stop` it with a deadline. */
export function pingServer(port: number, credentials: Credentials, log: Log, register: MetricsRegister): BlockServer {
  return createBlockServer(
    {
      listen: [{ host: undefined, port }],
      credentials,
      protocol: smpProtocol({ crypto: nativeCrypto }),
      sessions,
      settings: defaultServerSettings,
    },
    { crypto: nativeCrypto, clock: systemClock, log, metrics: createServerMetrics(register) },
  )
}
