import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createLog, LOG_LEVELS, type LogLevel, type LogOptions, type RootLog } from "./log.ts"
import type { LogFields } from "./log-fields.ts"
import { ManualClock } from "./manual-clock.ts"
import { Secret } from "./secret.ts"

interface Fixture {
  readonly log: RootLog
  readonly clock: ManualClock
  readonly lines: string[]
  /** The lines as objects. */
  parsed(): Record<string, unknown>[]
}

function fixture(options: Partial<LogOptions> = {}, terminal = false): Fixture {
  const lines: string[] = []
  const clock = new ManualClock()
  const log = createLog(
    { level: "info", format: "auto", service: "relay", ...options },
    { clock, terminal, sink: { write: (line) => lines.push(line) } },
  )
  return { log, clock, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

/** Fields that the types forbid, as they come in through a cast or a spread. */
const untyped = (fields: Record<string, unknown>): LogFields => fields as LogFields

describe("createLog", () => {
  it("writes one JSON object per line", () => {
    const { log, lines, parsed } = fixture()
    log.info("listening", { port: 5223, bind: "*:5223" })
    log.child("listener").child("tls").warn("certificate expires soon", { daysLeft: 3, total: 7n })
    const time = "2025-01-01T00:00:00.000Z"
    expect(parsed()).toEqual([
      { level: "info", time, service: "relay", message: "listening", port: 5223, bind: "*:5223" },
      {
        level: "warn",
        time,
        service: "relay",
        component: "listener/tls",
        message: "certificate expires soon",
        daysLeft: 3,
        total: "7",
      },
    ])
    expect(lines.every((line) => line.endsWith("}\n"))).toBe(true)
  })

  it("has a level that can be changed for all components at once", () => {
    const { log, parsed } = fixture({ level: "warn" })
    const child = log.child("part")
    child.info("hidden")
    log.setLevel("info")
    child.info("shown")
    expect([log.level, parsed().map(({ message }) => message)]).toEqual(["info", ["shown"]])
  })

  it("asks for the fields of a debug line only if it is written", () => {
    const { log, parsed } = fixture()
    log.debug("not now", () => expect.unreachable())
    log.setLevel("debug")
    log.debug("now", () => ({ queueId: Uint8Array.of(1, 255) }))
    expect(parsed()).toMatchObject([{ message: "now", queueId: "01ff" }])
  })
})

describe("the guard against user data", () => {
  const forbidden = {
    remoteAddress: "192.0.2.7",
    ip: "192.0.2.7",
    address: "192.0.2.7:5223",
    name: "mallory",
    host: "client.example",
    queueId: "cXVldWU",
    key: new Uint8Array(32),
    sessionId: Buffer.from("session"),
    senderId: "x",
    body: "hello",
    headers: { authorization: "Bearer x" },
    component: "forged",
  }

  it.each(LOG_LEVELS.filter((level) => level !== "debug"))(
    "leaves out all but known primitive fields at %s",
    (level) => {
      const { log, lines, parsed } = fixture()
      log[level](
        "rejected",
        untyped({ count: 1, ...forbidden, code: new Secret("hunter2"), reason: Buffer.from("reason") }),
      )
      expect(Object.keys(parsed()[0] ?? {})).toEqual(["level", "time", "service", "count", "dropped", "message"])
      expect(parsed()[0]).toMatchObject({ count: 1, dropped: Object.keys(forbidden).length + 2 })
      expect(lines.join()).not.toMatch(/192|hunter2|reason|cXVldWU|remoteAddress/)
    },
  )

  it("holds for any names and values", () => {
    const marker = "§"
    const value = fc.oneof(
      fc.constant(marker),
      fc.constant([marker]),
      fc.constant({ a: marker }),
      fc.constant(new TextEncoder().encode(marker)),
    )
    const { log, lines } = fixture({ repeats: Infinity })
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().map((name) => `x${name}`),
          value,
        ),
        (fields) => {
          log.info("line", untyped(fields))
          log.error(
            "line",
            untyped({ ...fields, error: Object.assign(new Error(marker), fields, { message: marker }) }),
          )
        },
      ),
    )
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.filter((line) => line.includes(marker))).toEqual([])
  })

  it("cuts long texts and keeps a line a line", () => {
    const { log, lines, parsed } = fixture()
    log.info("long", { reason: "a\n".repeat(1_000) })
    expect(lines[0]?.trimEnd()).not.toContain("\n")
    const { reason } = parsed()[0] ?? {}
    expect(String(reason).length).toBeLessThan(310)
  })

  it("writes of an error its class, code and stack, but not its message and fields", () => {
    const { log, lines, parsed } = fixture()
    const error = Object.assign(new TypeError("connect ECONNREFUSED 192.0.2.7:5223"), {
      code: "ECONNREFUSED",
      address: "192.0.2.7",
    })
    log.warn("cannot connect", { error })
    const { error: written } = parsed()[0] ?? {}
    expect(written).toMatchObject({
      class: "TypeError",
      code: "ECONNREFUSED",
      stack: expect.stringContaining("log.test.ts"),
    })
    expect(Object.keys(written ?? {})).toEqual(["class", "code", "stack"])
    expect(lines.join()).not.toContain("192.0.2.7")
  })

  it("lets debug show everything but long bytes, which may be keys", () => {
    const { log, parsed } = fixture({ level: "debug" })
    log.debug("frame", {
      remoteAddress: "192.0.2.7",
      key: new Uint8Array(32),
      list: [1, 2],
      when: undefined,
      level: "own",
      secret: new Secret("hunter2"),
      run: () => 1,
      error: new Error("why"),
    })
    expect(parsed()[0]).toMatchObject({
      level: "debug",
      level_: "own",
      remoteAddress: "192.0.2.7",
      key: "<32 bytes>",
      list: "<list of 2>",
      secret: "[hidden]",
      run: "<function>",
      error: { class: "Error", message: "why" },
    })
    log.warn("with message, because debug is on", { error: new Error("why") })
    expect(parsed()[1]).toMatchObject({ error: { message: "why" } })
  })
})

describe("repeated lines", () => {
  const messages = (lines: Record<string, unknown>[]): unknown[] =>
    lines.map(({ message, suppressed }) => (suppressed === undefined ? message : `${message} +${suppressed}`))

  it("are written a few times a minute, then counted", () => {
    const { log, clock, parsed } = fixture({ repeats: 2 })
    const part = log.child("part")
    for (let i = 0; i < 1_000; i++) part.warn("bad client", { count: i })
    part.error("bad client")
    log.warn("bad client")
    expect(messages(parsed())).toEqual(["bad client", "bad client", "bad client", "bad client"])
    clock.advance(60_000)
    expect(parsed().at(-1)).toMatchObject({ level: "warn", component: "part", message: "bad client", suppressed: 998 })
    part.warn("bad client")
    expect(messages(parsed()).slice(4)).toEqual(["bad client +998", "bad client"])
    clock.advance(120_000)
    expect(parsed()).toHaveLength(6)
    expect(clock.pending).toBe(0)
  })

  it("are told at the end", () => {
    const { log, parsed } = fixture({ repeats: 1 })
    log.info("again")
    log.info("again")
    log.flush()
    log.flush()
    expect(messages(parsed())).toEqual(["again", "again +1"])
  })

  it("are not remembered without bound", () => {
    const { log, clock, parsed } = fixture({ repeats: 1 })
    log.info("first")
    log.info("first")
    for (let i = 0; i < 1_500; i++) log.info(`message ${i}`)
    expect(messages(parsed())).toContain("first +1")
    clock.advance(60_000)
    expect(parsed()).toHaveLength(1_502)
  })

  it("are all written at debug", () => {
    const { log, lines } = fixture({ level: "debug", repeats: 1 })
    for (let i = 0; i < 50; i++) log.debug("request")
    expect(lines).toHaveLength(50)
  })
})

describe("for people", () => {
  const pretty = (level: LogLevel, message: string, fields: Record<string, unknown>): string => {
    const { log, lines } = fixture({ level: "debug" }, true)
    log.child("part")[level](message, fields as LogFields)
    return lines.join("")
  }

  it("a line is one line", () => {
    expect(pretty("info", "listening", { port: 5223, reason: "two words", kind: "plain" })).toBe(
      '00:00:00.000 INFO  relay part: listening port=5223 reason="two words" kind=plain\n',
    )
  })

  it("a stack follows the line", () => {
    const error = Object.assign(new Error("why", { cause: new RangeError("inner") }), { code: "E_WHY" })
    const [line, ...frames] = pretty("error", "failed", { error }).trimEnd().split("\n")
    expect(line).toBe("00:00:00.000 ERROR relay part: failed error=Error:E_WHY:why cause.error=RangeError:inner")
    expect(frames.length).toBeGreaterThan(0)
    expect(frames.every((frame) => frame.startsWith("    at "))).toBe(true)
  })

  it("the terminal gets no control characters from values", () => {
    expect(pretty("debug", "odd", { name: "\u001b[31mred\u009b\u202e" })).toMatch(/^[^\p{Cc}\p{Cf}]*\n$/u)
  })

  it("is a matter of the terminal, or of the setting", () => {
    const isJson = (options: Partial<LogOptions>, terminal: boolean): boolean => {
      const { log, lines } = fixture(options, terminal)
      log.info("x")
      return lines[0]?.startsWith("{") === true
    }
    expect(isJson({ format: "auto" }, false)).toBe(true)
    expect(isJson({ format: "auto" }, true)).toBe(false)
    expect(isJson({ format: "json" }, true)).toBe(true)
    expect(isJson({ format: "pretty" }, false)).toBe(false)
  })
})
