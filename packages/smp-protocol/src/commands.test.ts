import { utf8 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { command, commands, damage, version } from "../test/arbitraries.ts"
import { COMMANDS, commandSpec } from "./commands/table.ts"
import { type Command, decodeCommand, encodeCommand, specOf } from "./commands.ts"
import { CommandError } from "./errors.ts"

describe("commands", () => {
  it("have arbitraries for every tag", () => {
    const tags = new Set(commands.flatMap((arbitrary) => fc.sample(arbitrary, 30).map(({ tag }) => tag)))
    expect([...tags].sort()).toEqual(Object.keys(COMMANDS).sort())
  })

  it.each(commands.map((arbitrary) => ({ arbitrary })))("lose nothing at the latest version (%#)", ({ arbitrary }) => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decodeCommand(encodeCommand(value, 20), 20)).toEqual(value)
      }),
    )
  })

  it.each(commands.map((arbitrary) => ({ arbitrary })))("read back the same at any version (%#)", ({ arbitrary }) => {
    fc.assert(
      fc.property(arbitrary, version, (value, v) => {
        const encoded = encodeCommand(value, v)
        expect(encodeCommand(decodeCommand(encoded, v), v)).toEqual(encoded)
      }),
    )
  })

  it("answer damaged input with a command error, never with another", () => {
    fc.assert(
      fc.property(command, version, version, damage, (value, v, other, change) => {
        const damaged = change(encodeCommand(value, v))
        try {
          const read = decodeCommand(damaged, other)
          // What was accepted is a fixed point: written and read again it stays the same.
          const written = encodeCommand(read, other)
          expect(encodeCommand(decodeCommand(written, other), other)).toEqual(written)
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it("answer any bytes with a command error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), version, (input, v) => {
        expect(() => decodeCommand(input, v)).toThrow(CommandError)
      }),
    )
  })

  it("are not found by the names of object members", () => {
    for (const tag of ["constructor", "toString", "__proto__", "", "sub"]) expect(commandSpec(tag)).toBeUndefined()
    expect(() => decodeCommand(utf8("valueOf"), 20)).toThrow(new CommandError("UNKNOWN"))
  })

  it("give the body of SEND as a view on the input", () => {
    const input = utf8("SEND T hello")
    const decoded = decodeCommand(input, 20)
    if (decoded.tag !== "SEND") throw new Error("SEND expected")
    expect(decoded.body.buffer).toBe(input.buffer)
  })

  it("say to which party and role they belong", () => {
    expect(specOf("SEND")).toMatchObject({ party: "sender", role: "M", serviceSigned: false })
    expect(specOf("NSUB")).toMatchObject({ party: "notifier", role: "N", serviceSigned: true })
    expect(specOf("RFWD")).toMatchObject({ party: "proxy", role: "P" })
    const signed = Object.entries(COMMANDS).filter(([, spec]) => spec.serviceSigned)
    expect(signed.map(([tag]) => tag)).toEqual(["NEW", "SUB", "NSUB"])
  })

  const raw = new Uint8Array(32)
  const key = { kind: "public", algorithm: "x25519", raw } as const
  it.each<Command>([
    { tag: "ACK", msgId: new Uint8Array(256) },
    { tag: "RKEY", recipientKeys: [] },
    { tag: "RKEY", recipientKeys: Array.from({ length: 256 }, () => key) },
    { tag: "RSLV", name: "no-dot" },
    { tag: "LSET", linkId: raw, data: { fixed: new Uint8Array(65536), user: raw } },
    { tag: "PRXY", server: { hosts: [], port: "", keyHash: raw } },
    { tag: "PRXY", server: { hosts: ["a"], port: "", keyHash: raw }, password: "a b" },
    { tag: "PFWD", version: 65536, key, request: raw },
    { tag: "SUBS", expected: { count: 2n ** 63n, hash: raw } },
  ])("refuse to write what has no encoding: $tag", (value) => {
    expect(() => encodeCommand(value, 20)).toThrow(EncodeError)
  })
})
