import { portableCrypto } from "@sluice/crypto/portable"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { describe, expect, it } from "vitest"
import { Party, startConversation } from "../test/parties.ts"
import { realCrypto } from "../test/replay.ts"

const portable = { crypto: portableCrypto, kem: createSntrup761(portableCrypto) }

describe.each(["no KEM", "accepted"] as const)("a browser and a server, start: %s", (start) => {
  it("understand each other", () => {
    const { joiner, initiator } = startConversation(start, { c: realCrypto })
    const browser = new Party(portable, joiner.state, 3, 100)
    for (let i = 0; i < 2; i++) {
      expect(initiator.receive(browser.send("from the browser"))).toBe("from the browser")
      expect(browser.receive(initiator.send("from the server"))).toBe("from the server")
    }
    expect(browser.pq).toBe(start === "accepted")
  })
})
