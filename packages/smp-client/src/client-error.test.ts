import type { BrokerError, ProxyError, SmpError } from "@sluice/smp-protocol/errors"
import { expect, test } from "vitest"
import { type ClientProblem, SmpClientError } from "./client-error.ts"

const answered = (error: SmpError): SmpClientError =>
  new SmpClientError({ code: "ERR", command: "SEND", error, from: "server" })
const proxy = (error: ProxyError): SmpError => ({ type: "PROXY", error })
const broker = (error: BrokerError): SmpError => proxy({ type: "BROKER", error })

const ANSWERS: readonly [SmpError, retryable: boolean, text: string][] = [
  [{ type: "AUTH" }, false, "AUTH"],
  [{ type: "QUOTA" }, true, "QUOTA"],
  [{ type: "INTERNAL" }, true, "INTERNAL"],
  [{ type: "EXPIRED" }, true, "EXPIRED"],
  [{ type: "LARGE_MSG" }, false, "LARGE_MSG"],
  [{ type: "STORE", text: "private" }, true, "STORE"],
  [{ type: "CMD", error: "SYNTAX" }, false, "CMD SYNTAX"],
  [{ type: "BLOCKED", reason: "spam" }, false, "BLOCKED reason=spam"],
  [{ type: "NAME", error: { type: "NOT_FOUND" } }, false, "NAME NOT_FOUND"],
  [{ type: "NAME", error: { type: "RESOLVER", text: "private" } }, true, "NAME RESOLVER"],
  [proxy({ type: "NO_SESSION" }), true, "PROXY NO_SESSION"],
  [proxy({ type: "BASIC_AUTH" }), false, "PROXY BASIC_AUTH"],
  [proxy({ type: "PROTOCOL", error: { type: "INTERNAL" } }), true, "PROXY PROTOCOL INTERNAL"],
  [proxy({ type: "PROTOCOL", error: { type: "CRYPTO" } }), false, "PROXY PROTOCOL CRYPTO"],
  [broker({ type: "TIMEOUT" }), true, "PROXY BROKER TIMEOUT"],
  [broker({ type: "HOST" }), false, "PROXY BROKER HOST"],
  [broker({ type: "NETWORK", error: { type: "FAILED" } }), true, "PROXY BROKER NETWORK"],
  [broker({ type: "NETWORK", error: { type: "UNKNOWNCA" } }), false, "PROXY BROKER NETWORK"],
  [broker({ type: "TRANSPORT", error: "VERSION" }), false, "PROXY BROKER TRANSPORT VERSION"],
  [broker({ type: "RESPONSE", text: "private" }), false, "PROXY BROKER RESPONSE"],
]

test.each(ANSWERS)("an answer %o", (answer, retryable, text) => {
  const error = answered(answer)
  expect(error.retryable).toBe(retryable)
  expect(error.network).toBe(false)
  expect(error.answer).toBe(answer)
  expect(error.message).toBe(`SEND answered by the server with ERR ${text}`)
})

const PROBLEMS: readonly [ClientProblem, network: boolean, retryable: boolean, text: string][] = [
  [{ code: "TIMEOUT", command: "SUB" }, true, true, "SUB: TIMEOUT"],
  [{ code: "LOST" }, true, true, "connection: LOST"],
  [{ code: "CLOSED" }, false, false, "connection: CLOSED"],
  [{ code: "CONNECT", stage: "DIAL" }, true, true, "cannot connect: DIAL"],
  [{ code: "CONNECT", stage: "IDENTITY" }, false, false, "cannot connect: IDENTITY"],
  [{ code: "TRANSPORT", error: "VERSION" }, false, false, "handshake failed: VERSION"],
  [{ code: "BUSY", command: "SUB" }, false, true, "SUB: BUSY"],
  [{ code: "UNEXPECTED", command: "SUB", answer: "NID" }, false, false, "SUB answered with an unexpected NID"],
  [
    { code: "UNSUPPORTED", command: "SKEY", version: 8, since: 9 },
    false,
    false,
    "SKEY needs version 9, the session has 8",
  ],
]

test.each(PROBLEMS)("%o", (problem, network, retryable, text) => {
  const error = new SmpClientError(problem)
  expect(error).toMatchObject({ network, retryable, message: text, name: "SmpClientError", answer: undefined })
})
