import { afterEach } from "vitest"
import { TestRelay, type TestRelayOptions } from "../support/relay.ts"
import { TestAgent, type TestAgentOptions } from "./test-agent.ts"

/** What tests of agents open, each for itself. */
export interface PerTest {
  /** Options win over those of the file. */
  startRelay(options?: TestRelayOptions): Promise<TestRelay>
  agent(name: string, servers: TestAgentOptions["servers"], more?: Partial<TestAgentOptions>): Promise<TestAgent>
  /** Something else that is closed after the test. */
  keep(...opened: readonly AsyncDisposable[]): void
}

/** For a whole file: what its tests open is closed after each of them, the last first. */
export function perTest(relays: TestRelayOptions = {}, agents: Partial<TestAgentOptions> = {}): PerTest {
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })
  return {
    async startRelay(options = {}) {
      const relay = await TestRelay.start({
        ...relays,
        ...options,
        settings: { ...relays.settings, ...options.settings },
      })
      open.push(relay)
      return relay
    },
    async agent(name, servers, more = {}) {
      const one = await TestAgent.open(name, { servers, ...agents, ...more })
      open.push(one)
      return one
    },
    keep: (...opened) => void open.push(...opened),
  }
}
