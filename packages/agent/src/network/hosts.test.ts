import { PassThrough } from "node:stream"
import { nativeCrypto } from "@sluice/crypto/native"
import { expect, it } from "vitest"
import { dialFor, isOnion } from "./hosts.ts"

const signal = new AbortController().signal

it("knows onion names however they are written", () => {
  expect(["a.onion", "A.ONION", "a.Onion."].map(isOnion)).toEqual([true, true, true])
  expect(["a.onion.example", "onion", "a.onions"].map(isOnion)).toEqual([false, false, false])
})

it("asks no resolver for an onion name where there is no SOCKS proxy", async () => {
  const asked: string[] = []
  const dial = dialFor(nativeCrypto, undefined, "somebody", ({ host }) => {
    asked.push(host)
    return Promise.resolve(new PassThrough())
  })
  for (const host of ["a.onion", "A.ONION."]) {
    await expect(dial({ host, port: 5223 }, signal)).rejects.toThrow("SOCKS")
  }
  await dial({ host: "relay.example", port: 5223 }, signal)
  expect(asked).toEqual(["relay.example"])
})
