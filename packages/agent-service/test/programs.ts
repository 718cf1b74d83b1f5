// Programs with agents of their own on one relay, for tests.
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { expect } from "vitest"
import { addressOf } from "../../../test/agent/test-agent.ts"
import { TestRelay } from "../../../test/support/relay.ts"
import { TestClient } from "./client.ts"
import { serve } from "./example.ts"

export const TOKEN = "a-token-that-nobody-would-guess"

/** A program that listens, and its user. */
export type Program = TestClient & { readonly userId: unknown }

/** Bytes of a text as they travel. */
export const text = (value: string): string => encodeBase64Url(utf8(value))

/** The text that has travelled. */
export const read = (value: unknown): string => fromUtf8(decodeBase64Url(String(value)))

/** A relay and the services that a test starts. */
export class Programs implements AsyncDisposable {
  readonly relay: TestRelay
  #services: Awaited<ReturnType<typeof serve>>[] = []
  #clients: TestClient[] = []

  private constructor(relay: TestRelay) {
    this.relay = relay
  }

  static async start(): Promise<Programs> {
    return new Programs(await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } }))
  }

  /** The relay as programs name it. */
  get address(): string {
    return formatServerAddress(addressOf(this.relay))
  }

  /** Starts a service with an agent of its own; its port. */
  async service(): Promise<number> {
    const one = await serve(TOKEN)
    this.#services.push(one)
    return one.server.address.port
  }

  /** The service that was started first stops. */
  async stopFirst(): Promise<void> {
    await this.#services[0]?.server.stop(AbortSignal.timeout(2000))
  }

  /** A program with a user on the relay, listening. */
  async program(port?: number): Promise<Program> {
    const client = await TestClient.connect(port ?? (await this.service()), TOKEN)
    this.#clients.push(client)
    const [known] = ((await client.call("users"))["userIds"] as unknown[]) ?? []
    const userId = known ?? (await client.call("createUser", { servers: [{ address: this.address }] }))["userId"]
    await client.call("listen")
    return Object.assign(client, { userId })
  }

  /** Connects two programs, each with an agent of its own; gives both with their IDs of the connection. */
  async pair() {
    const port = await this.service()
    const [alice, bob] = [await this.program(), await this.program(port)]
    const { connectionId: a, link } = await alice.call("createConnection", { userId: alice.userId })
    const { connectionId: b } = await bob.call("joinConnection", { userId: bob.userId, link, info: text("bob") })
    const asked = await alice.event("confirmation")
    expect(asked).toMatchObject({ connectionId: a, info: text("bob") })
    const { confirmationId } = asked
    await alice.call("allowConnection", { connectionId: a, confirmationId, info: text("alice") })
    await Promise.all([alice.event("connected"), bob.event("connected")])
    /** Where Bob's agent is. */
    return { alice, bob, a, b, port }
  }

  /** Ends what a test has started, the relay excepted. */
  async end(): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]()
    for (const { agent, server } of this.#services) {
      await server.stop(AbortSignal.timeout(2000))
      await agent.close()
    }
    this.#clients = []
    this.#services = []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.relay[Symbol.asyncDispose]()
  }
}
