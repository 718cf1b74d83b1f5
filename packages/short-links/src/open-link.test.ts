import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"
import { concatBytes, utf8 } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { contactUserData, type SampleLink, SERVER, sampleLink, sampleRequest, sampleUserData } from "../test/samples.ts"
import { sealBlob } from "./blob.ts"
import { agentLinkError, LinkError, type LinkProblem } from "./errors.ts"
import { encodeFixedData } from "./fixed-data.ts"
import { contactSecrets, linkKeyOf, linkSecrets } from "./link-keys.ts"
import { makeLink, sealUserData } from "./make-link.ts"
import { checkAddress, openLinkData, resolveLink } from "./open-link.ts"
import { authorizeOwner, checkOwners, type LinkOwner, MAX_OWNER_CHECKS } from "./owners.ts"
import { parseShortLink } from "./short-link.ts"
import { signPart } from "./signed-part.ts"
import { encodeUserData, type UserLinkData } from "./user-data.ts"

const c = nativeCrypto

/** The problem that resolving finds; fails if there is none or another error. */
function problem(run: () => unknown): LinkProblem {
  try {
    run()
  } catch (error) {
    if (error instanceof LinkError) return error.problem
    throw error
  }
  throw new Error("no problem found")
}

function answer({ made, senderId }: SampleLink, user: Uint8Array = made.data.user) {
  return { senderId, data: { fixed: made.data.fixed, user } }
}

/** User data of a sample link signed by any key, whether it may or not. */
function signedBy(key: KeyPair<"ed25519">, sample: SampleLink, user: UserLinkData): Uint8Array {
  const { blobKey } = linkSecrets(c, sample.link)
  return sealBlob(c, blobKey, "user", signPart(c, key.privateKey, encodeUserData(user)))
}

describe.each([nativeCrypto, portableCrypto])("resolving with $name crypto", (backEnd) => {
  it.each(["invitation", "contact"] as const)("gives what the creator of a link put in: %s", (kind) => {
    const user = sampleUserData(kind, "profile")
    const sample = sampleLink(backEnd, kind, user)
    const resolved = resolveLink(backEnd, sample.link, answer(sample))
    expect(resolved.request).toEqual(sample.request)
    expect(resolved.user).toEqual(user)
    expect(resolved.signedBy).toBeUndefined()
  })
})

describe("verification", () => {
  it("refuses data whose hash is not the link key, though it is encrypted for the link", () => {
    const sample = sampleLink(c, "contact")
    const other = sampleLink(c, "contact")
    const { blobKey } = linkSecrets(c, sample.link)
    const bytes = encodeFixedData({
      agentVersions: { min: 2, max: 7 },
      rootKey: other.root.publicKey,
      request: other.request,
    })
    const fixed = sealBlob(c, blobKey, "fixed", signPart(c, other.root.privateKey, bytes))
    const found = problem(() =>
      resolveLink(c, sample.link, { senderId: other.senderId, data: { ...sample.made.data, fixed } }),
    )
    expect(found).toEqual({ code: "DATA_HASH" })
    expect(agentLinkError(found)).toEqual({ type: "A_LINK", text: "link data hash" })
  })

  it("refuses fixed data that its root did not sign", () => {
    const root = c.generateKeyPair("ed25519")
    const stranger = c.generateKeyPair("ed25519")
    const request = sampleRequest(c, "contact")
    const bytes = encodeFixedData({ agentVersions: { min: 2, max: 7 }, rootKey: root.publicKey, request })
    const linkKey = linkKeyOf(c, bytes)
    const { blobKey } = contactSecrets(c, linkKey)
    const data = {
      fixed: sealBlob(c, blobKey, "fixed", signPart(c, stranger.privateKey, bytes)),
      user: sealBlob(c, blobKey, "user", signPart(c, root.privateKey, encodeUserData(contactUserData("x")))),
    }
    const open = () => openLinkData(c, { kind: "contact", linkKey, blobKey }, data)
    expect(problem(open)).toEqual({ code: "DATA_SIGNATURE" })
  })

  it("takes changed user data with the old link, and no user data of others", () => {
    const sample = sampleLink(c, "contact")
    const relays = [
      `https://smp.example.org/a#${"A".repeat(43)}`,
      `simplex:/r#${"B".repeat(42)}A?h=a.example&p=443&c=1234-w`,
    ]
    const links = relays
      .map(parseShortLink)
      .flatMap((link) => (link.kind === "contact" ? [{ ...link, scheme: "https" as const }] : []))
    const changed = contactUserData("new", { direct: false, relays: links })
    const { linkKey } = sample.made
    const signer = {
      kind: "contact",
      linkKey,
      rootKey: sample.root.publicKey,
      signingKey: sample.root.privateKey,
    } as const
    expect(resolveLink(c, sample.link, answer(sample, sealUserData(c, signer, changed))).user).toEqual(changed)

    const foreign = signedBy(c.generateKeyPair("ed25519"), sample, changed)
    expect(problem(() => resolveLink(c, sample.link, answer(sample, foreign)))).toEqual({ code: "USER_DATA_SIGNATURE" })
    expect(
      problem(() => sealUserData(c, { ...signer, signingKey: c.generateKeyPair("ed25519").privateKey }, changed)),
    ).toEqual({
      code: "NOT_AN_OWNER",
    })
  })

  it("refuses data of the other kind of link", () => {
    const sample = sampleLink(c, "contact")
    const { linkKey } = sample.made
    const open = () =>
      openLinkData(c, { kind: "invitation", linkKey, blobKey: linkSecrets(c, sample.link).blobKey }, sample.made.data)
    expect(problem(open)).toEqual({ code: "MALFORMED", part: "fixed" })
    const user = sampleUserData("invitation", "x")
    expect(
      problem(() => makeLink(c, sample.root, { agentVersions: { min: 2, max: 7 }, request: sample.request }, user))
        .code,
    ).toBe("OTHER_KIND")
  })

  it("refuses data of another queue or server, and passes on the link's own server", () => {
    const sample = sampleLink(c, "contact")
    const { link, request } = sample
    const otherQueue = { ...answer(sample), senderId: c.randomBytes(24) }
    expect(problem(() => resolveLink(c, link, otherQueue))).toEqual({ code: "OTHER_ADDRESS" })
    const elsewhere = { ...link, server: { ...link.server, hosts: ["b.example"] } }
    expect(problem(() => resolveLink(c, elsewhere, answer(sample)))).toEqual({ code: "OTHER_ADDRESS" })

    const short = { ...link, server: { hosts: ["a.example"], port: "", keyHash: new Uint8Array(0) } }
    const adjusted = resolveLink(c, short, answer(sample)).request
    expect(adjusted.queues[0].server).toEqual(short.server)
    expect(adjusted.queues[0].senderId).toEqual(request.queues[0].senderId)
    expect(checkAddress(SERVER, sample.senderId, request)).toBe(request)
  })

  it("finds a change of any byte of both blobs", () => {
    const sample = sampleLink(c, "contact")
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), (first, at, flip) => {
        const part = first ? "fixed" : "user"
        const blob = sample.made.data[part].slice()
        blob[at % blob.length] = (blob[at % blob.length] ?? 0) ^ flip
        const data = { ...sample.made.data, [part]: blob }
        expect(problem(() => resolveLink(c, sample.link, { senderId: sample.senderId, data }))).toEqual({
          code: "DECRYPT",
          part,
        })
      }),
      { numRuns: 60 },
    )
  })

  it("throws nothing but LinkError, whatever a server answers and whatever was sealed with the link's key", () => {
    const sample = sampleLink(c, "contact")
    const { blobKey } = linkSecrets(c, sample.link)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        (a, b, sealed) => {
          const signature = utf8("@".repeat(65))
          const fixed = sealed ? sealBlob(c, blobKey, "fixed", concatBytes(signature, a)) : a
          const user = sealed ? sealBlob(c, blobKey, "user", concatBytes(signature, b)) : b
          problem(() => resolveLink(c, sample.link, { senderId: sample.senderId, data: { fixed, user } }))
          problem(() => resolveLink(c, sample.link, { senderId: sample.senderId, data: { ...sample.made.data, user } }))
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe("owners", () => {
  const pairs = Array.from({ length: 5 }, () => c.generateKeyPair("ed25519")) as OwnerPairs
  type OwnerPairs = [KeyPair<"ed25519">, KeyPair<"ed25519">, KeyPair<"ed25519">, KeyPair<"ed25519">, KeyPair<"ed25519">]

  /** Root authorizes 1 and 2, 1 authorizes 3 and 4, 3 authorizes 5. */
  function family(root: KeyPair<"ed25519">): LinkOwner[] {
    const [one, two, three, four, five] = pairs
    const add = (by: KeyPair<"ed25519">, id: string, key: KeyPair<"ed25519">): LinkOwner =>
      authorizeOwner(c, by.privateKey, utf8(id), key.publicKey)
    return [add(root, "1", one), add(root, "2", two), add(one, "3", three), add(one, "4", four), add(three, "5", five)]
  }

  it("may all sign, and nobody else", () => {
    const sample = sampleLink(c, "contact")
    const owners = family(sample.root)
    const user = contactUserData("by an owner", { owners })
    for (const [index, pair] of pairs.entries()) {
      const signer = {
        kind: "contact",
        linkKey: sample.made.linkKey,
        rootKey: sample.root.publicKey,
        signingKey: pair.privateKey,
      } as const
      const resolved = resolveLink(c, sample.link, answer(sample, sealUserData(c, signer, user)))
      expect(resolved.signedBy).toEqual(owners[index])
    }
    const foreign = signedBy(c.generateKeyPair("ed25519"), sample, user)
    expect(problem(() => resolveLink(c, sample.link, answer(sample, foreign)))).toEqual({ code: "USER_DATA_SIGNATURE" })
  })

  it("break each rule with its own text", () => {
    const sample = sampleLink(c, "contact")
    const { root } = sample
    const [one, two, three, four, five] = family(root) as [LinkOwner, LinkOwner, LinkOwner, LinkOwner, LinkOwner]
    const stranger = c.generateKeyPair("ed25519")
    const unknown = authorizeOwner(c, stranger.privateKey, utf8("u"), c.generateKeyPair("ed25519").publicKey)
    const cases: readonly (readonly [string, LinkOwner[]])[] = [
      ["owner key for ID cg matches root key", [authorizeOwner(c, root.privateKey, utf8("r"), root.publicKey)]],
      ["duplicate owner key or ID MQ", [one, { ...two, ownerId: utf8("1") }]],
      ["duplicate owner key or ID Mg", [one, { ...two, ownerKey: one.ownerKey }]],
      ["invalid authorization of owner ID Mw", [three, one]],
      ["invalid authorization of owner ID NQ", [one, two, four, five, three]],
      ["invalid authorization of owner ID dQ", [unknown]],
      ["invalid authorization of owner ID dQ", [one, two, unknown]],
    ]
    for (const [text, owners] of cases) {
      const user = contactUserData("x", { owners })
      const found = problem(() => resolveLink(c, sample.link, answer(sample, signedBy(root, sample, user))))
      expect(agentLinkError(found)).toEqual({ type: "A_LINK", text })
      const signer = {
        kind: "contact",
        linkKey: sample.made.linkKey,
        rootKey: root.publicKey,
        signingKey: root.privateKey,
      } as const
      expect(problem(() => sealUserData(c, signer, user))).toEqual(found)
    }
  })

  it("cost a bounded number of verifications, however many there are", () => {
    let verified = 0
    const counting: CryptoBackend = {
      ...c,
      verify: (...signed) => {
        verified++
        return c.verify(...signed)
      },
    }
    const root = c.generateKeyPair("ed25519")
    const keys = Array.from({ length: 120 }, () => c.generateKeyPair("ed25519"))
    const list = (authorizer: (index: number) => KeyPair<"ed25519"> | undefined): LinkOwner[] =>
      keys.map(({ publicKey }, index) =>
        authorizeOwner(c, (authorizer(index) ?? root).privateKey, Uint8Array.of(index), publicKey),
      )
    checkOwners(
      counting,
      root.publicKey,
      list(() => root),
    )
    expect(verified).toBe(120)

    const chain = list((index) => keys[index - 1])
    verified = 0
    checkOwners(counting, root.publicKey, chain.slice(0, 32))
    expect(verified).toBe(MAX_OWNER_CHECKS)
    verified = 0
    expect(problem(() => checkOwners(counting, root.publicKey, chain)).code).toBe("OWNER_UNAUTHORIZED")
    expect(verified).toBe(MAX_OWNER_CHECKS)
  })
})

describe("making links", () => {
  it("fits an invitation with a KEM key, and the largest user data to the byte", () => {
    const request = sampleRequest(c, "invitation", true)
    const root = c.generateKeyPair("ed25519")
    const fixed = { agentVersions: { min: 2, max: 7 }, request }
    const make = (length: number) => makeLink(c, root, fixed, sampleUserData("invitation", "x".repeat(length)))
    const { data } = make(13_709)
    expect([data.fixed.length, data.user.length]).toEqual([2048, 13_824])
    expect(problem(() => make(13_710))).toEqual({ code: "TOO_LARGE", part: "user" })
    const large = { ...fixed, request: { ...request, clientData: "y".repeat(2000) } }
    expect(problem(() => makeLink(c, root, large, sampleUserData("invitation", "")))).toEqual({
      code: "TOO_LARGE",
      part: "fixed",
    })
  })

  it("says in texts of errors nothing about a link", () => {
    const backEnd: CryptoBackend = c
    const sample = sampleLink(backEnd, "contact")
    const error = new LinkError(
      problem(() =>
        resolveLink(c, sample.link, {
          senderId: sample.senderId,
          data: { fixed: new Uint8Array(3), user: new Uint8Array(3) },
        }),
      ),
    )
    expect(error.message).toBe("link data is malformed")
    expect(error.code).toBe("MALFORMED")
  })
})
