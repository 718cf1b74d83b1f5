import { nativeCrypto } from "@sluice/crypto/native"
import { formatSubscriptionStatus } from "@sluice/ntf-protocol/status"
import { type ClientProblem, SmpClientError } from "@sluice/smp-client/client-error"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { describe, expect, it } from "vitest"
import { subscriptionResult } from "./subscription-result.ts"

const OWN = nativeCrypto.randomBytes(24)
const command = "NSUB"

/** Status text and association, or `again`. */
function resultOf(problem: ClientProblem): unknown {
  const result = subscriptionResult({ ok: false, error: new SmpClientError(problem) }, OWN)
  return result === "again" ? result : [formatSubscriptionStatus(result.status), result.associated]
}

describe("an answer to NSUB (notifications.md §5.2)", () => {
  it.each([
    ["OK", undefined, OWN, false],
    ["SOK with the service of this session", OWN.slice(), OWN, true],
    ["SOK with another service", nativeCrypto.randomBytes(24), OWN, false],
    ["SOK in a session without a service", OWN, undefined, false],
  ])("%s makes it active", (_, serviceId, own, associated) => {
    const outcome = { ok: true, value: serviceId === undefined ? {} : { serviceId } } as const
    expect(subscriptionResult(outcome, own)).toEqual({ status: { type: "ACTIVE" }, associated })
  })

  const errors: readonly (readonly [SmpError, string])[] = [
    [{ type: "AUTH" }, "AUTH"],
    [{ type: "SERVICE" }, "SERVICE"],
    [{ type: "QUOTA" }, "ERR SMP error QUOTA"],
    [{ type: "CMD", error: "PROHIBITED" }, "ERR SMP error CMD PROHIBITED"],
    [{ type: "BLOCKED", reason: "spam" }, "ERR SMP error BLOCKED reason=spam"],
    // What a relay says in words of its own is not kept.
    [{ type: "STORE", text: "words of a stranger" }, "ERR SMP error STORE"],
    [{ type: "INTERNAL" }, "ERR SMP error INTERNAL"],
  ]
  it.each(errors)("ERR %j is final", (error, status) => {
    expect(resultOf({ code: "ERR", command, error, from: "server" })).toEqual([status, false])
  })

  const failures: readonly (readonly [ClientProblem, string])[] = [
    [{ code: "NOT_A_SERVICE", command }, "SERVICE"],
    [{ code: "UNEXPECTED", command, answer: "IDS" }, "ERR UnexpectedResponse IDS"],
    [{ code: "UNPARSABLE", command }, "ERR ResponseError"],
    [{ code: "TRANSPORT", error: "SESSION" } as ClientProblem, "ERR TransportError SESSION"],
    [{ code: "CRYPTO", command }, "ERR CryptoError"],
    [{ code: "NO_SERVER_KEY", command }, "ERR CryptoError"],
    [{ code: "TOO_LARGE", command }, "ERR IncompatibleQueue"],
    [{ code: "UNENCODABLE", command }, "ERR IncompatibleQueue"],
    [{ code: "UNSUPPORTED", command, version: 6, since: 7 }, "ERR IncompatibleQueue"],
  ]
  it.each(failures)("%j is final", (problem, status) => expect(resultOf(problem)).toEqual([status, false]))

  const temporary: readonly ClientProblem[] = [
    { code: "TIMEOUT", command },
    { code: "BUSY", command },
    { code: "CONNECT", stage: "DIAL" },
    { code: "LOST" },
    { code: "CLOSED" },
  ]
  it.each(temporary)("%j leaves it as it is, to be tried again", (problem) => expect(resultOf(problem)).toBe("again"))

  it("that is a defect of this program is no answer", () => {
    const defect = new TypeError("a defect")
    expect(() => subscriptionResult({ ok: false, error: defect }, OWN)).toThrow(defect)
  })
})
