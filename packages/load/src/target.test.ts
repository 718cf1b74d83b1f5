import type { ServerAddress } from "@sluice/encoding/server-address"
import { OperatorError } from "@sluice/ops/operator-error"
import { expect, it } from "vitest"
import { checkTarget, targetName } from "./target.ts"

const at = (...hosts: string[]): ServerAddress => ({ scheme: "smp", keyHash: new Uint8Array(32), hosts, port: "" })

it.each(["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])("takes %s", (host) => {
  expect(() => checkTarget(at(host), false)).not.toThrow()
})

it.each(["example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "::2", "0.0.0.0"])(
  "refuses %s unless it is meant",
  (host) => {
    expect(() => checkTarget(at(host), false)).toThrow(OperatorError)
    expect(() => checkTarget(at("localhost", host), false)).toThrow(/--allow-remote/)
    expect(() => checkTarget(at(host), true)).not.toThrow()
  },
)

it("names a server without its secrets", () => {
  expect(targetName({ ...at("localhost"), password: "secret" })).toBe("localhost:5223")
  expect(targetName({ ...at("::1"), port: "443" })).toBe("[::1]:443")
})
