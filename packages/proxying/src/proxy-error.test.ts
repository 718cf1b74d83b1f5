import { fromLatin1 } from "@sluice/encoding/bytes"
import type { ClientProblem } from "@sluice/smp-client/client-error"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { encodeSmpError } from "@sluice/smp-protocol/error-wire"
import type { SmpError, TransportErrorCode } from "@sluice/smp-protocol/errors"
import { describe, expect, it } from "vitest"
import {
  BASIC_AUTH,
  failureOf,
  messageFailureKind,
  NO_HOST,
  NO_KEY,
  NO_SESSION,
  OLD_VERSION,
  relayError,
  sessionFailureKind,
  TIMED_OUT,
  unexpectedAnswer,
  unreadableAnswer,
} from "./proxy-error.ts"

/** The text after `ERR `, as it goes to the client; free texts are preceded by their length. */
function wire(error: SmpError): string {
  return fromLatin1(encodeSmpError(error))
}

const RFWD = { command: "RFWD" }

describe("what a failure is called (proxy.md §4, §7) and how it is counted (§9)", () => {
  const transport: readonly TransportErrorCode[] = [
    "BLOCK",
    "LARGE_MSG",
    "SESSION",
    "HANDSHAKE PARSE",
    "HANDSHAKE IDENTITY",
    "HANDSHAKE BAD_AUTH",
    "HANDSHAKE BAD_SERVICE",
  ]

  it.each<[string, ClientProblem, string, string, string]>([
    ["unparsable answer", { code: "UNPARSABLE", ...RFWD }, "PROXY BROKER RESPONSE \x0aCMD SYNTAX", "other", "other"],
    [
      "unexpected answer",
      { code: "UNEXPECTED", ...RFWD, answer: "PONG" },
      "PROXY BROKER UNEXPECTED \x04PONG",
      "other",
      "other",
    ],
    ["no answer in time", { code: "TIMEOUT", ...RFWD }, "PROXY BROKER TIMEOUT", "connect", "other"],
    ["connection lost", { code: "LOST" }, "PROXY BROKER TIMEOUT", "connect", "other"],
    ["connection closed here", { code: "CLOSED" }, "PROXY BROKER TIMEOUT", "connect", "other"],
    ["too many requests", { code: "BUSY", ...RFWD }, "PROXY BROKER TIMEOUT", "connect", "other"],
    ["no TCP, no name", { code: "CONNECT", stage: "DIAL" }, "PROXY BROKER NETWORK", "connect", "other"],
    ["no TLS", { code: "CONNECT", stage: "TLS" }, "PROXY BROKER NETWORK", "connect", "other"],
    ["another identity", { code: "CONNECT", stage: "IDENTITY" }, "PROXY BROKER NETWORK", "connect", "other"],
    ["no connection in time", { code: "CONNECT", stage: "TIMEOUT" }, "PROXY BROKER NETWORK", "connect", "other"],
    ["closed before the hello", { code: "CONNECT", stage: "CLOSED" }, "PROXY BROKER NETWORK", "connect", "other"],
    [
      "no common version",
      { code: "TRANSPORT", error: "VERSION" },
      "PROXY BROKER TRANSPORT VERSION",
      "compat",
      "compat",
    ],
    ["no key", { code: "TRANSPORT", error: "NO_AUTH" }, "PROXY BROKER TRANSPORT NO_AUTH", "compat", "other"],
    [
      "no key for authorization",
      { code: "NO_SERVER_KEY", ...RFWD },
      "PROXY BROKER TRANSPORT NO_AUTH",
      "compat",
      "other",
    ],
    [
      "version too low",
      { code: "UNSUPPORTED", ...RFWD, version: 7, since: 8 },
      "PROXY BROKER TRANSPORT VERSION",
      "compat",
      "compat",
    ],
    ["too large", { code: "TOO_LARGE", ...RFWD }, "PROXY BROKER TRANSPORT LARGE_MSG", "other", "other"],
    ["no service", { code: "NOT_A_SERVICE", ...RFWD }, "PROXY BROKER NO_SERVICE", "other", "other"],
    [
      "an error in clear",
      { code: "ERR", ...RFWD, error: { type: "AUTH" }, from: "server" },
      "PROXY PROTOCOL AUTH",
      "other",
      "other",
    ],
    ["encryption", { code: "CRYPTO", ...RFWD }, "CRYPTO", "other", "other"],
    ["a defect", { code: "UNENCODABLE", ...RFWD }, "INTERNAL", "connect", "other"],
    ["another defect", { code: "UNSUPPORTED", ...RFWD, version: 8, since: 9 }, "INTERNAL", "connect", "other"],
    ...transport.map((error): [string, ClientProblem, string, string, string] => [
      `transport error ${error}`,
      { code: "TRANSPORT", error },
      `PROXY BROKER TRANSPORT ${error}`,
      "other",
      "other",
    ]),
  ])("%s", (_what, problem, text, ofSession, ofMessage) => {
    const error = failureOf(new SmpClientError(problem))
    expect(wire(error)).toBe(text)
    expect(sessionFailureKind(error)).toBe(ofSession)
    expect(messageFailureKind(error)).toBe(ofMessage)
  })

  it.each<[SmpError, string, string, string]>([
    [BASIC_AUTH, "PROXY BASIC_AUTH", "other", "other"],
    [NO_SESSION, "PROXY NO_SESSION", "other", "connect"],
    [NO_HOST, "PROXY BROKER HOST", "other", "other"],
    [OLD_VERSION, "PROXY BROKER TRANSPORT VERSION", "compat", "compat"],
    [NO_KEY, "PROXY BROKER TRANSPORT NO_AUTH", "compat", "other"],
    [TIMED_OUT, "PROXY BROKER TIMEOUT", "connect", "other"],
    [failureOf(new Error("whatever else")), "INTERNAL", "connect", "other"],
    [failureOf(undefined), "INTERNAL", "connect", "other"],
    [unreadableAnswer("BLOCK"), "PROXY BROKER RESPONSE \x05BLOCK", "other", "other"],
    [unexpectedAnswer("x".repeat(40)), `PROXY BROKER UNEXPECTED \x20${"x".repeat(32)}`, "other", "other"],
  ])("%j", (error, text, ofSession, ofMessage) => {
    expect(wire(error)).toBe(text)
    expect(sessionFailureKind(error)).toBe(ofSession)
    expect(messageFailureKind(error)).toBe(ofMessage)
  })
})

describe("relayError", () => {
  it("passes the relay's error on", () => {
    expect(wire(relayError({ type: "CMD", error: "PROHIBITED" }))).toBe("PROXY PROTOCOL CMD PROHIBITED")
    expect(wire(relayError(NO_SESSION))).toBe("PROXY PROTOCOL PROXY NO_SESSION")
    expect(wire(relayError({ type: "STORE", text: "x".repeat(4000) }))).toHaveLength(
      "PROXY PROTOCOL STORE ".length + 4000,
    )
  })

  it("does not pass on what would not fit into a block", () => {
    expect(relayError({ type: "STORE", text: "x".repeat(16_000) })).toEqual(unexpectedAnswer("ERR"))
  })
})
