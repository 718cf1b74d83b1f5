import { ManualClock } from "@sluice/ops/manual-clock"
import type { RawClient, RawOptions } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"

type Settings = Readonly<Record<string, unknown>>

/** Instead of what other tests make shorter to run faster: the defaults. */
export const DEFAULTS: Settings = {
  "relay.message_quota": 128,
  "relay.end_interval": "15s",
  "relay.notification_interval": "250ms",
  "relay.expire_on_send": true,
}

/** A relay with the default of every setting and one with some of them changed, on one clock that is moved by hand. */
export class RelayPair implements AsyncDisposable {
  /** Begins with the present, by which the certificates of clients and relays are judged. */
  readonly clock: ManualClock
  readonly usual: TestRelay
  readonly changed: TestRelay

  private constructor(clock: ManualClock, usual: TestRelay, changed: TestRelay) {
    this.clock = clock
    this.usual = usual
    this.changed = changed
  }

  /** `both` are settings of both relays. */
  static async start(changes: Settings, both: Settings = {}): Promise<RelayPair> {
    const clock = new ManualClock(Date.now())
    const start = (settings: Settings): Promise<TestRelay> =>
      TestRelay.start({ clock, store: "memory", settings: { ...DEFAULTS, ...both, ...settings } })
    return new RelayPair(clock, await start({}), await start(changes))
  }

  /** Does the same at both relays, each with a new connection: what came of it at the usual one, then at the other. */
  async each<T>(run: (client: RawClient, relay: TestRelay) => Promise<T>, options?: RawOptions): Promise<[T, T]> {
    const at = async (relay: TestRelay): Promise<T> => run(await relay.connect(options), relay)
    return [await at(this.usual), await at(this.changed)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.usual[Symbol.asyncDispose]()
    await this.changed[Symbol.asyncDispose]()
  }
}
