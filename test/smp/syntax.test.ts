import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, EMPTY, latin1 } from "@sluice/encoding/bytes"
import { type CommandTag, encodeCommand } from "@sluice/smp-protocol/commands"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { AUTH, authKeys, cmd, createQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { sampleCommands } from "../support/samples.ts"
import { SINCE, versionsFrom } from "../support/versions.ts"

/** smp.md §10.1, and the tables of §2 about credentials and parameters. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const UNKNOWN_ID = latin1("12345678")
const RANDOM_ID = nativeCrypto.randomBytes(24)
const sig = nativeCrypto.randomBytes(64)
const signed = { authorization: sig } as const

describe.each(versionsFrom())("§10.1 at version %i", (v) => {
  let client: RawClient
  beforeAll(async () => {
    client = await relay.connect({ versions: v })
    expect(client.version).toBe(v)
  })
  const commands = sampleCommands()

  test("an unknown tag", async () => {
    const entity = latin1("1234")
    expect(await client.ask(latin1("HELLO"), { entity })).toEqual(cmd("UNKNOWN"))
    // The tag is looked at before the credentials.
    expect(await client.ask(latin1("HELLO there"), { entity, ...signed })).toEqual(cmd("UNKNOWN"))
    expect(await client.ask(EMPTY, { entity })).toEqual(cmd("UNKNOWN"))
  })

  test("NEW", async () => {
    const good = encodeCommand(commands.NEW, v)
    const keys = authKeys()
    expect(await client.ask(latin1("NEW"), signed)).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1("NEW "), signed)).toEqual(cmd("SYNTAX"))
    expect(await client.ask(concatBytes(latin1("NEW 123"), good.subarray(4)), signed)).toEqual(cmd("SYNTAX"))
    expect(await client.ask(concatBytes(good, latin1("123")), signed)).toEqual(cmd("SYNTAX"))
    expect(await client.ask(good)).toEqual(cmd("NO_AUTH"))
    expect(await client.ask(good, { entity: UNKNOWN_ID, ...signed })).toEqual(cmd("HAS_AUTH"))
    expect(await client.ask(good, { key: keys.privateKey })).toEqual(AUTH)
  })

  test("KEY", async () => {
    const good = encodeCommand(commands.KEY, v)
    const entity = UNKNOWN_ID
    expect(await client.ask(good, { entity, ...signed })).toEqual(AUTH)
    expect(await client.ask(latin1("KEY"), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(concatBytes(latin1("KEY 123"), good.subarray(4)), { entity, ...signed })).toEqual(
      cmd("SYNTAX"),
    )
    expect(await client.ask(good, { entity })).toEqual(cmd("NO_AUTH"))
    expect(await client.ask(good, signed)).toEqual(cmd("NO_AUTH"))
  })

  test.each(["SUB", "OFF", "DEL"])("%s", async (tag) => {
    const entity = UNKNOWN_ID
    expect(await client.ask(latin1(tag), { entity, ...signed })).toEqual(AUTH)
    expect(await client.ask(latin1(`${tag}=`), { entity, ...signed })).toEqual(cmd("UNKNOWN"))
    expect(await client.ask(latin1(`${tag} `), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1(`${tag} 1`), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1(tag), { entity })).toEqual(cmd("NO_AUTH"))
    expect(await client.ask(latin1(tag), signed)).toEqual(cmd("NO_AUTH"))
  })

  test("SEND", async () => {
    const good = encodeCommand(commands.SEND, v)
    const entity = UNKNOWN_ID
    expect(await client.ask(good, { entity, ...signed })).toEqual(AUTH)
    expect(await client.ask(good, { entity })).toEqual(AUTH)
    expect(await client.ask(latin1("SEND"), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1("SEND X body"), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1("SEND T"), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(good, signed)).toEqual(cmd("NO_ENTITY"))
  })

  test("ACK", async () => {
    const good = encodeCommand(commands.ACK, v)
    const entity = UNKNOWN_ID
    expect(await client.ask(good, { entity, ...signed })).toEqual(AUTH)
    expect(await client.ask(latin1("ACK"), { entity, ...signed })).toEqual(cmd("SYNTAX"))
    expect(await client.ask(good, signed)).toEqual(cmd("NO_AUTH"))
    expect(await client.ask(good, { entity })).toEqual(cmd("NO_AUTH"))
  })

  test("PING, and a tag of servers", async () => {
    expect(await client.ask(commands.PING)).toEqual({ tag: "PONG" })
    expect(await client.ask(latin1("PING "))).toEqual(cmd("SYNTAX"))
    expect(await client.ask(latin1("OK"), { entity: UNKNOWN_ID, ...signed })).toEqual(cmd("UNKNOWN"))
    expect(await client.ask(latin1("PONG"))).toEqual(cmd("UNKNOWN"))
  })

  test("authorizations of every length that exists, of unknown queues", async () => {
    for (const length of [64, 80, 114]) {
      const authorization = nativeCrypto.randomBytes(length)
      expect(await client.ask(commands.SUB, { entity: RANDOM_ID, authorization })).toEqual(AUTH)
    }
  })

  test("corrIds of other lengths come back as they are", async () => {
    for (const length of [1, 8, 23, 25, 255]) {
      expect(await client.ask(commands.PING, { corrId: nativeCrypto.randomBytes(length) })).toEqual({ tag: "PONG" })
    }
    // A response to an empty one looks like an event.
    client.send({ command: commands.PING, corrId: EMPTY })
    expect((await client.event()).message).toEqual({ tag: "PONG" })
  })
})

/** Rules of smp.md §2, second table: without authorization, without entity, with both, for commands not listed there. */
const DEFAULT_RULE = { noAuth: "NO_AUTH", noEntity: "NO_AUTH", neither: "NO_AUTH", both: undefined } as const
const NONE_RULE = { noAuth: "HAS_AUTH", noEntity: "HAS_AUTH", neither: undefined, both: "HAS_AUTH" } as const
const OPEN_RULE = { noAuth: undefined, noEntity: "NO_ENTITY", neither: "NO_ENTITY", both: "HAS_AUTH" } as const

type Rule = Readonly<Record<"noAuth" | "noEntity" | "neither" | "both", Parameters<typeof cmd>[0] | undefined>>
const RULES: Partial<Record<CommandTag, Rule>> = {
  NEW: { noAuth: "NO_AUTH", noEntity: undefined, neither: "NO_AUTH", both: "HAS_AUTH" },
  SEND: { noAuth: undefined, noEntity: "NO_ENTITY", neither: "NO_ENTITY", both: undefined },
  LGET: OPEN_RULE,
  PFWD: OPEN_RULE,
  PING: NONE_RULE,
  PRXY: NONE_RULE,
  RFWD: NONE_RULE,
  RSLV: NONE_RULE,
}

describe.each(versionsFrom())("credentials and parameters at version %i", (v) => {
  let client: RawClient
  beforeAll(async () => {
    client = await relay.connect({ versions: v })
  })
  const samples = Object.values(sampleCommands()).filter(({ tag }) => v >= (SINCE[tag] ?? 0))

  test.each(samples.map((command) => [command.tag, command] as const))("%s", async (tag, command) => {
    const rule = RULES[tag] ?? DEFAULT_RULE
    const entity = RANDOM_ID
    const cases = { noAuth: { entity }, noEntity: signed, neither: {}, both: { entity, ...signed } }
    for (const [name, who] of Object.entries(cases)) {
      const error = rule[name as keyof Rule]
      const [corrId] = client.send({ command, ...who })
      const [answer, ...rest] = await client.block()
      expect(rest).toEqual([])
      expect(answer?.corrId).toEqual(corrId)
      if (error !== undefined) expect(answer?.message, name).toEqual(cmd(error))
      else if (answer?.message.tag === "ERR") expect(answer.message.error.type, name).not.toBe("CMD")
    }
  })

  test("every command without its parameters, with a byte too many, and with a letter behind its tag", async () => {
    for (const command of samples) {
      const { tag } = command
      const bytes = encodeCommand(command, v)
      const who = tag === "NEW" ? signed : { entity: RANDOM_ID, ...signed }
      expect(await client.ask(latin1(`${tag}X`), who), tag).toEqual(cmd("UNKNOWN"))
      expect(await client.ask(latin1(tag.toLowerCase()), who), tag).toEqual(cmd("UNKNOWN"))
      if (bytes.length === tag.length) {
        expect(await client.ask(latin1(`${tag} `), who), tag).toEqual(cmd("SYNTAX"))
      } else {
        expect(await client.ask(latin1(tag), who), tag).toEqual(cmd("SYNTAX"))
        expect(await client.ask(latin1(`${tag} `), who), tag).not.toMatchObject({ error: { error: "UNKNOWN" } })
        // The last field of these takes whatever follows.
        const open = tag === "SEND" || tag === "PFWD" || tag === "RFWD" || tag === "RSLV"
        if (!open) expect(await client.ask(concatBytes(bytes, Uint8Array.of(0)), who), tag).toEqual(cmd("SYNTAX"))
      }
    }
  })
})

test("bytes between flag and body are skipped, and do not reach the recipient", async () => {
  const client = await relay.connect()
  const queue = await createQueue(client)
  const [corrId] = client.send({ command: latin1("SEND Fxyz1234567890 body"), ...queue.asSender })
  const [[delivered], [answer]] = (await client.blocks(2)) as [Awaited<ReturnType<RawClient["block"]>>, never[]]
  expect(delivered && queue.text(delivered.message)).toBe("body")
  expect(answer).toMatchObject({ corrId, message: { tag: "OK" } })
})
