import type { Server } from "@sluice/encoding/server-address"
import type { BrokerError, SmpError } from "@sluice/smp-protocol/errors"
import { expect, test } from "vitest"
import { type ClientProblem, SmpClientError } from "./client-error.ts"
import {
  addressProtected,
  chooseProxy,
  fallbackAllowed,
  type ProxyFallback,
  type ProxyUse,
  proxyUnusable,
  type Route,
  retriesLater,
  routeTo,
} from "./routing-policy.ts"

const server = (id: number, host = "localhost"): Server => ({
  hosts: [host],
  port: "",
  keyHash: new Uint8Array(32).fill(id),
})
const own = [server(1), server(2)]

// use, then the route: to an own relay, to an own one protected, to another one, to another one protected
test.each<readonly [ProxyUse, Route, Route, Route, Route]>([
  ["always", "proxy", "proxy", "proxy", "proxy"],
  ["unknown", "direct", "direct", "proxy", "proxy"],
  ["unprotected", "direct", "direct", "proxy", "direct"],
  ["never", "direct", "direct", "direct", "direct"],
])("the route when proxies are used: %s", (use, ...routes) => {
  const cases = [server(2, "other.name"), server(3)].flatMap((to) => [false, true].map((safe) => [to, safe] as const))
  expect(cases.map(([to, safe]) => routeTo(to, use, own, safe))).toEqual(routes)
})

test.each<readonly [ProxyFallback, boolean, boolean]>([
  ["yes", true, true],
  ["protected", false, true],
  ["no", false, false],
])("the fallback %s", (fallback, open, safe) => {
  expect([fallbackAllowed(fallback, false), fallbackAllowed(fallback, true)]).toEqual([open, safe])
})

test("an address is protected by SOCKS, or by an onion host that is preferred", () => {
  const onion = server(1, "abc.onion")
  expect(addressProtected(server(1), { socks: true, onionFirst: false })).toBe(true)
  expect(addressProtected(onion, { socks: false, onionFirst: true })).toBe(true)
  expect(addressProtected(onion, { socks: false, onionFirst: false })).toBe(false)
  expect(addressProtected(server(1), { socks: false, onionFirst: true })).toBe(false)
})

test("the proxy is any relay but the destination, and that one if there is no other", () => {
  const relays = [server(1), server(2), server(3)]
  const draws = [0, 0.49, 0.5, 0.999]
  expect(draws.map((draw) => chooseProxy(server(2), relays, () => draw)?.keyHash[0])).toEqual([1, 1, 3, 3])
  expect(chooseProxy(server(2), [server(2)], () => 0.9)?.keyHash[0]).toBe(2)
  expect(chooseProxy(server(2), [], () => 0)).toBeUndefined()
})

const answered = (error: SmpError, from: "proxy" | "server" = "proxy"): ClientProblem => ({
  ...{ code: "ERR", command: "PRXY", error, from },
})
const broker = (error: BrokerError): ClientProblem => answered({ type: "PROXY", error: { type: "BROKER", error } })

// what follows from a failure: a direct connection, a later attempt, or that the caller hears of it
test.each<readonly ["direct" | "later" | "fails", ClientProblem]>([
  ["direct", broker({ type: "HOST" })],
  ["direct", broker({ type: "TRANSPORT", error: "VERSION" })],
  ["direct", { code: "UNSUPPORTED", command: "PRXY", version: 7, since: 8 }],
  ["direct", { code: "TRANSPORT", error: "VERSION" }],
  ["later", broker({ type: "NETWORK", error: { type: "FAILED" } })],
  ["later", broker({ type: "TIMEOUT" })],
  ["later", answered({ type: "PROXY", error: { type: "NO_SESSION" } })],
  ["later", answered({ type: "PROXY", error: { type: "PROTOCOL", error: { type: "INTERNAL" } } })],
  ["later", { code: "CONNECT", stage: "DIAL" }],
  ["later", { code: "LOST" }],
  ["later", { code: "TIMEOUT", command: "SEND" }],
  ["fails", broker({ type: "NETWORK", error: { type: "UNKNOWNCA" } })],
  ["fails", broker({ type: "TRANSPORT", error: "HANDSHAKE IDENTITY" })],
  ["fails", answered({ type: "PROXY", error: { type: "BASIC_AUTH" } })],
  ["fails", answered({ type: "AUTH" }, "server")],
  ["fails", answered({ type: "QUOTA" }, "server")],
  ["fails", { code: "UNSUPPORTED", command: "SKEY", version: 8, since: 9 }],
  ["fails", { code: "CONNECT", stage: "IDENTITY" }],
  ["fails", { code: "CLOSED" }],
])("%s: %o", (reaction, problem) => {
  const error = new SmpClientError(problem)
  expect([proxyUnusable(error), retriesLater(error)]).toEqual([reaction === "direct", reaction === "later"])
})

test("what is no error of a client has no remedy", () => {
  expect([proxyUnusable(new Error("x")), retriesLater(new Error("x"))]).toEqual([false, false])
})
