import { connect as connectTcp, type Socket } from "node:net"
import { type ConnectionOptions, connect as connectTls } from "node:tls"
import { AbstractConnector, type SentinelConnectionOptions, SentinelConnector } from "ioredis"

/**
 * How the client library opens sockets, with one difference: it listens for one error of each, and a TLS handshake that is
 * broken off may report a second one, which would end the process.
 */
export class SteadyConnector extends AbstractConnector {
  readonly #options: DirectOptions

  constructor(options: unknown) {
    const direct = options as DirectOptions
    super(direct.disconnectTimeout)
    this.#options = direct
  }

  override async connect(): Promise<Socket> {
    const { host, port, tls } = this.#options
    this.connecting = true
    const stream = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tls })
    stream.once("error", (error) => {
      this.firstError = error
    })
    this.stream = stream
    return steady(stream)
  }
}

/** The same for servers that Sentinels name. */
export class SteadySentinelConnector extends SentinelConnector {
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions)
  }

  override async connect(...args: Parameters<SentinelConnector["connect"]>): Promise<Socket> {
    return steady(await super.connect(...args))
  }
}

/** The options of the client library that say where to. */
interface DirectOptions {
  readonly host: string
  readonly port: number
  readonly tls?: ConnectionOptions
  readonly disconnectTimeout: number
}

function steady(stream: Socket): Socket {
  // The first one is told by the library's listener.
  return stream.on("error", () => undefined)
}
