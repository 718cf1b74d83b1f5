import { describe, expect, it } from "vitest"
import { type Party, type Start, startConversation, toyCrypto } from "../test/parties.ts"
import { decodeE2eParams, type E2eParams, encodeE2eParams } from "./e2e-params.ts"
import type { RatchetProblem } from "./errors.ts"
import { acceptRatchet, joinRatchet } from "./init.ts"
import { type OwnKeys, proposeKeys, publicParams } from "./keys.ts"
import { ratchetKeyHash, resyncAdvice, resyncRole } from "./resync.ts"

const c = toyCrypto

/** What a party does with the other's ratchet-key message (ratchet.md §10), and which role it took. */
function resynchronize(party: Party, own: OwnKeys, peer: E2eParams, pq: boolean): "receiving" | "sending" {
  const ownHash = ratchetKeyHash(c, own.key1.publicKey, own.key2.publicKey)
  const role = resyncRole(ownHash, ratchetKeyHash(c, peer.key1, peer.key2))
  const versions = { current: peer.version, max: 3 }
  party.state = role === "receiving" ? acceptRatchet(c, own, peer, 3, pq) : joinRatchet(c, own, peer, versions)
  party.skipped = []
  return role
}

/** The same bytes as over the network. */
function sent(keys: OwnKeys, version: number): E2eParams {
  return decodeE2eParams(encodeE2eParams(publicParams(keys, version)))
}

describe("re-synchronization", () => {
  const cases: readonly { start: Start; pq: boolean; version: number }[] = [
    { start: "no KEM", pq: false, version: 2 },
    { start: "no KEM", pq: false, version: 3 },
    { start: "accepted", pq: true, version: 3 },
  ]

  it.each(cases)("puts a broken conversation right: $start, version $version", ({ start, pq, version }) => {
    for (let i = 0; i < 6; i++) {
      const { joiner, initiator } = startConversation(start)
      initiator.receive(joiner.send("first"))
      // One side goes back to an old state, as after restoring a backup.
      const old = initiator.state
      for (let round = 0; round < 3; round++) {
        joiner.receive(initiator.send("there"))
        initiator.receive(joiner.send("back"))
      }
      initiator.state = old
      expect(initiator.receive(joiner.send("lost"))).toEqual({ code: "HEADER" })
      expect(joiner.receive(initiator.send("lost too"))).toEqual({ code: "HEADER" })

      const [a, b] = [proposeKeys(c, pq), proposeKeys(c, pq)]
      const roles = [resynchronize(joiner, a, sent(b, version), pq), resynchronize(initiator, b, sent(a, version), pq)]
      expect(roles.toSorted()).toEqual(["receiving", "sending"])
      const [first, second] = roles[0] === "sending" ? [joiner, initiator] : [initiator, joiner]
      expect(first?.state.sending).toBeDefined()
      expect(second?.state.sending).toBeUndefined()
      for (let round = 0; round < 2; round++) {
        expect(second?.receive(first?.send("EREADY") ?? new Uint8Array())).toBe("EREADY")
        expect(first?.receive(second?.send("back") ?? new Uint8Array())).toBe("back")
      }
      // The KEM is only proposed by both, so it takes part after the first answer.
      expect(second?.state.sendingKem).toBe(pq)
      expect(joiner.state.associatedData).toEqual(initiator.state.associatedData)
    }
  })

  it("decides by the first byte that differs, and equal hashes receive", () => {
    expect(resyncRole(Uint8Array.of(1, 200), Uint8Array.of(2, 0))).toBe("receiving")
    expect(resyncRole(Uint8Array.of(2, 0), Uint8Array.of(1, 200))).toBe("sending")
    expect(resyncRole(Uint8Array.of(1, 128), Uint8Array.of(1, 127))).toBe("sending")
    expect(resyncRole(Uint8Array.of(7), Uint8Array.of(7))).toBe("receiving")
  })

  it.each<[RatchetProblem, string | undefined]>([
    [{ code: "DECRYPT" }, "allowed"],
    [{ code: "EARLIER", count: 1 }, "allowed"],
    [{ code: "HEADER" }, "required"],
    [{ code: "TOO_MANY_SKIPPED", count: 514 }, "required"],
    [{ code: "DUPLICATE" }, undefined],
    [{ code: "HEADER_SYNTAX" }, undefined],
  ])("advice for %o: %s", (problem, advice) => {
    expect(resyncAdvice(problem)).toBe(advice)
  })
})
