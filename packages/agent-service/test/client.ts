// A program that uses the service, for tests: WebSocket as Node has it, events kept until a test takes them.
import { WebSocket } from "ws"

type Frame = {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: Record<string, unknown>
  readonly event?: Record<string, unknown> & { readonly type: string }
  readonly hello?: Record<string, unknown>
}

/** Milliseconds that a test waits for what must come. */
const PATIENCE = 10_000

export class TestClient implements Disposable {
  readonly socket: WebSocket
  readonly #frames: Frame[] = []
  #wake = (): void => undefined
  #ids = 0
  closed: Promise<number>

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on("close", resolve))
    socket.on("message", (data) => {
      this.#frames.push(JSON.parse(data.toString()))
      this.#wake()
    })
  }

  /** Connects; rejects with the HTTP status when the service refuses. */
  static connect(port: number, token: string, headers: Record<string, string> = {}): Promise<TestClient> {
    const authorization = token === "" ? {} : { authorization: `Bearer ${token}` }
    return TestClient.open(new WebSocket(`ws://127.0.0.1:${port}/agent`, { headers: { ...authorization, ...headers } }))
  }

  static open(socket: WebSocket): Promise<TestClient> {
    const client = new TestClient(socket)
    return new Promise((resolve, reject) => {
      socket.on("open", () => resolve(client))
      socket.on("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)))
      socket.on("error", reject)
    })
  }

  /** The first frame that fits and was not taken yet. */
  async frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    const timeout = new Error(`nothing within ${PATIENCE} ms; there is ${JSON.stringify(this.#frames)}`)
    const deadline = performance.now() + PATIENCE
    for (;;) {
      const at = this.#frames.findIndex(fits)
      const [found] = at < 0 ? [] : this.#frames.splice(at, 1)
      if (found !== undefined) return found
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(timeout), deadline - performance.now())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async event(type: string): Promise<Record<string, unknown>> {
    const { event = {} } = await this.frame((frame) => frame.event?.type === type)
    return event
  }

  /** Makes a call; gives its result, or rejects with its error as JSON. */
  async call(name: string, params?: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = ++this.#ids
    this.socket.send(JSON.stringify({ id, call: name, params }))
    const { result, error } = await this.frame((frame) => frame.id === id)
    if (result === undefined) throw new Error(JSON.stringify(error))
    return result
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}
