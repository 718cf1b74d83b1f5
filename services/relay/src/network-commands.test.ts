import { describe, expect, it } from "vitest"
import type { Client } from "./client.ts"
import { namesCommands } from "./names-commands.ts"
import type { Resolution } from "./names-resolver.ts"
import { combineNetwork, type NetworkCommands, type NetworkRequest, NO_NETWORK } from "./network-commands.ts"
import { OK } from "./request.ts"
import { NameStatistics } from "./statistics.ts"

const client = { forwards: false } as Client
const ID = new Uint8Array(24)
const RSLV = { corrId: ID, entityId: new Uint8Array(0), command: { tag: "RSLV", name: "alice.simplex" } } as const
const PRXY = { ...RSLV, command: { tag: "PRXY" } } as unknown as NetworkRequest
const RFWD = { ...RSLV, command: { tag: "RFWD", request: ID } } as const

const nameError = (error: object): object => ({
  withoutEntity: true,
  message: { tag: "ERR", error: { type: "NAME", error } },
})

describe("RSLV", () => {
  const run = async (resolution: Resolution | undefined): Promise<[unknown, NameStatistics]> => {
    const statistics = new NameStatistics()
    const asked: string[] = []
    const resolver = resolution && {
      resolve: async (name: string) => {
        asked.push(name)
        return resolution
      },
    }
    const answer = await namesCommands(resolver, statistics).run(client, RSLV)
    expect(asked).toEqual(resolution === undefined ? [] : ["alice.simplex"])
    return [answer, statistics]
  }
  const counted = (counts: Partial<NameStatistics>): object => ({ ...new NameStatistics(), requests: 1, ...counts })

  it("without a resolver", async () => {
    expect(await run(undefined)).toEqual([nameError({ type: "NO_RESOLVER" }), counted({ disabled: 1 })])
  })

  it("of a name that is there", async () => {
    const record = { name: "alice.simplex" } as Extract<Resolution, { result: "found" }>["record"]
    const answer = { withoutEntity: true, message: { tag: "RNAME", record } }
    expect(await run({ result: "found", record })).toEqual([answer, counted({ success: 1 })])
  })

  it("of a name that is not", async () => {
    expect(await run({ result: "not-found" })).toEqual([nameError({ type: "NOT_FOUND" }), counted({ notFound: 1 })])
  })

  it("when the resolver fails", async () => {
    const error = { type: "RESOLVER", text: "HTTP 503" }
    expect(await run({ result: "failed", text: "HTTP 503" })).toEqual([
      nameError(error),
      counted({ resolverErrors: 1 }),
    ])
  })
})

describe("combineNetwork", () => {
  it("gives each part its commands", async () => {
    const seen: string[] = []
    const closed: string[] = []
    const part = (name: string): NetworkCommands => ({
      run: async (_client, { command }) => {
        seen.push(`${name} ${command.tag}`)
        return OK
      },
      closed: () => closed.push(name),
    })
    const network = combineNetwork({ proxying: part("proxying"), names: part("names") })
    for (const request of [RSLV, PRXY, RFWD]) expect(await network.run(client, request)).toBe(OK)
    expect(client.forwards).toBe(true)
    network.closed?.(client)
    expect(seen).toEqual(["names RSLV", "proxying PRXY", "proxying RFWD"])
    expect(closed).toEqual(["proxying", "names"])
  })

  it("answers for parts that are missing", async () => {
    const network = combineNetwork({})
    for (const request of [RSLV, PRXY, RFWD]) {
      expect(await network.run(client, request)).toEqual(await NO_NETWORK.run(client, request))
    }
    network.closed?.(client)
  })
})
