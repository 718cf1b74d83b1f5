import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { systemClock } from "@sluice/ops/clock"
import { describe, expect, it } from "vitest"
import { AgentError } from "../errors.ts"
import { networkSettings } from "../network/settings.ts"
import { type ServerTrial, tryServer } from "./try-server.ts"

const ERROR = new AgentError({ code: "INTERNAL", text: "test" })

class FakeConnection {
  closed = 0

  async close(): Promise<void> {
    this.closed++
  }
}

type Trial = ServerTrial<"ask" | "tell", Server, FakeConnection>

const SERVER: Server = { hosts: ["relay.example"], port: "", keyHash: new Uint8Array(32) }

const settings = networkSettings()
const PARTS = { crypto: nativeCrypto, clock: systemClock, dial: undefined, pool: { settings } }

function tried(trial: Partial<Trial>, signal?: AbortSignal): ReturnType<typeof tryServer> {
  const connect = async (): Promise<FakeConnection> => new FakeConnection()
  return tryServer(PARTS, SERVER, { connect, ask: async () => undefined, errorOf: () => ERROR, ...trial }, signal)
}

describe("the test of a server", () => {
  it("closes the connection when everything has succeeded", async () => {
    const connection = new FakeConnection()
    expect(await tried({ connect: async () => connection })).toBeUndefined()
    expect(connection.closed).toBe(1)
  })

  it("names the step that failed, and closes the connection", async () => {
    const connection = new FakeConnection()
    const ask: Trial["ask"] = async (_, begin) => {
      begin("ask")
      begin("tell")
      throw new Error("no")
    }
    expect(await tried({ connect: async () => connection, ask })).toEqual({ step: "tell", error: ERROR })
    expect(connection.closed).toBe(1)
  })

  it("fails in its first step where no connection is made", async () => {
    const connect = (): Promise<FakeConnection> => Promise.reject(new Error("no"))
    expect(await tried({ connect })).toEqual({ step: "connect", error: ERROR })
  })

  it("rejects with the reason of its signal, and closes the connection all the same", async () => {
    const connection = new FakeConnection()
    const abort = new AbortController()
    const reason = new Error("enough")
    const ask = async (): Promise<void> => {
      abort.abort(reason)
      throw reason
    }
    await expect(tried({ connect: async () => connection, ask }, abort.signal)).rejects.toBe(reason)
    expect(connection.closed).toBe(1)
  })
})
