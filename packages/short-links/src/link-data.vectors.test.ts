import { decodePrivateKey, decodePublicKey, type KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { decodeWhole, Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, test } from "vitest"
import { vectorArrays } from "../test/vector-files.ts"
import { openedValue, ownerValue, type VectorBytes, vectorHex } from "../test/vector-values.ts"
import { readAppData, writeAppData } from "./app-data.ts"
import { openBlob, sealBlob } from "./blob.ts"
import { readConnectionRequest, writeConnectionRequest } from "./connection-request.ts"
import { agentLinkError, LinkError } from "./errors.ts"
import { decodeFixedData, encodeFixedData } from "./fixed-data.ts"
import { formatFullLink } from "./full-link.ts"
import { contactSecrets, invitationBlobKey, linkKeyOf } from "./link-keys.ts"
import { openLinkData } from "./open-link.ts"
import { checkOwners, type LinkOwner, readOwner, writeOwner } from "./owners.ts"
import { readSignedPart, signPart } from "./signed-part.ts"
import { decodeUserData, encodeUserData } from "./user-data.ts"

const backEnds = [portableCrypto, nativeCrypto]

interface KdfCase {
  readonly name: string
  readonly linkKey: string
  readonly contactLinkId: string
  readonly contactKey: string
  readonly invitationKey: string
}

describe.each(vectorArrays<KdfCase>("short-links.json", "kdf"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    for (const c of backEnds) {
      const { linkId, blobKey } = contactSecrets(c, fromHex(vector.linkKey))
      expect(toHex(linkId)).toBe(vector.contactLinkId)
      expect(toHex(blobKey)).toBe(vector.contactKey)
      expect(toHex(invitationBlobKey(c, fromHex(vector.linkKey)))).toBe(vector.invitationKey)
    }
  })
})

type LongBytes = string | { readonly length: number; readonly sha256: string; readonly first: string }

interface DataCase {
  readonly name: string
  readonly rootKey: { readonly pub: string; readonly priv: string }
  readonly agentRange: [number, number]
  readonly connReqString: string
  readonly connReqBinary: string
  readonly linkEntityId: string | null
  readonly userDataPlain: VectorBytes
  readonly fixedData: string
  readonly signedFixed: string
  readonly signedUser: LongBytes
  readonly linkKey: string
  readonly linkId: string | null
  readonly key: string
  readonly encFixed?: string
  readonly encUser?: string
  readonly decrypted?: Record<string, unknown>
  readonly error?: string
}

describe.each(vectorArrays<DataCase>("short-links.json", "linkData"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    const c = nativeCrypto
    const kind = vector.linkId === null ? "invitation" : "contact"
    const root = rootPair(vector.rootKey)

    const request = decodeWhole(fromHex(vector.connReqBinary), readConnectionRequest)
    const fixed = decodeFixedData(fromHex(vector.fixedData))
    expect(fixed.request).toEqual(request)
    expect(toHex(encodeFixedData(fixed))).toBe(vector.fixedData)
    expect(toHex(encodeWith((w) => writeConnectionRequest(w, request)))).toBe(vector.connReqBinary)
    if (request.queues[0].mode === "contact" && !vector.connReqString.includes("q%3Dc")) {
      expect(vector.name).toBe("contact, queue without mode")
    } else expect(formatFullLink(request)).toBe(vector.connReqString)

    expect(toHex(linkKeyOf(c, fromHex(vector.fixedData)))).toBe(vector.linkKey)
    expect(toHex(signPart(c, root.privateKey, fromHex(vector.fixedData)))).toBe(vector.signedFixed)
    if (vector.linkId !== null) expect(toHex(contactSecrets(c, fromHex(vector.linkKey)).linkId)).toBe(vector.linkId)

    if (vector.error !== undefined) {
      const { length } = longBytes(vector.signedUser)
      const tooLarge = () => sealBlob(c, fromHex(vector.key), "user", new Uint8Array(length))
      expect(tooLarge).toThrow(expect.objectContaining({ problem: { code: "TOO_LARGE", part: "user" } }))
      return
    }

    const data = { fixed: fromHex(vector.encFixed ?? ""), user: fromHex(vector.encUser ?? "") }
    const key = fromHex(vector.key)
    expect(toHex(openBlob(c, key, "fixed", data.fixed))).toBe(vector.signedFixed)
    expect(toHex(sealBlob(c, key, "fixed", fromHex(vector.signedFixed), data.fixed.subarray(0, 24)))).toBe(
      vector.encFixed,
    )
    const signedUser = openBlob(c, key, "user", data.user)
    expect(describeLong(signedUser, vector.signedUser)).toEqual(vector.signedUser)
    expect(toHex(sealBlob(c, key, "user", signedUser, data.user.subarray(0, 24)))).toBe(vector.encUser)

    const userBytes = readSignedPart(signedUser).data
    const user = decodeUserData(kind, userBytes)
    expect(toHex(user.appData)).toBe(vectorHex(vector.userDataPlain))
    expect(toHex(encodeUserData(user))).toBe(toHex(userBytes))

    for (const backEnd of backEnds) {
      const open = () => openLinkData(backEnd, { kind, linkKey: fromHex(vector.linkKey), blobKey: key }, data)
      if (typeof vector.decrypted?.["error"] === "string") expect(referenceError(open)).toBe(vector.decrypted["error"])
      else expect(compact(openedValue(open()), vector.decrypted)).toEqual(vector.decrypted)
    }
  })
})

interface DecryptCase {
  readonly name: string
  readonly linkKey: string
  readonly key: string
  readonly encFixed: string
  readonly encUser: string
  readonly result: Record<string, unknown>
}

describe.each(vectorArrays<DecryptCase>("short-links.json", "decryptCases"))("$name", ({ cases }) => {
  test.each(cases)("$name", (vector) => {
    const keys = { kind: "contact", linkKey: fromHex(vector.linkKey), blobKey: fromHex(vector.key) } as const
    const data = { fixed: fromHex(vector.encFixed), user: fromHex(vector.encUser) }
    for (const c of backEnds) {
      const open = () => openLinkData(c, keys, data)
      if (typeof vector.result["error"] === "string") expect(referenceError(open)).toBe(vector.result["error"])
      else expect(openedValue(open())).toEqual(vector.result)
    }
  })
})

interface OwnersCase {
  readonly name: string
  readonly owners: readonly unknown[]
  readonly encoded: readonly string[]
  readonly error?: string
}

describe.each(vectorArrays<OwnersCase>("short-links.json", "owners"))("$name", ({ cases, file }) => {
  const root = rootPair((file["linkData"] as DataCase[])[0]?.rootKey ?? { pub: "", priv: "" })

  test.each(cases)("$name", (vector) => {
    const owners = vector.encoded.map((hex) => decodeWhole(fromHex(hex), readOwner))
    expect(owners.map(ownerValue)).toEqual(vector.owners)
    expect(owners.map((owner: LinkOwner) => toHex(encodeWith((w) => writeOwner(w, owner))))).toEqual(vector.encoded)
    for (const c of backEnds) {
      const check = () => checkOwners(c, root.publicKey, owners)
      if (vector.error === undefined) check()
      else expect(agentLinkError(problemOf(check))).toEqual({ type: "A_LINK", text: vector.error })
    }
  })
})

interface AppDataCase {
  readonly name: string
  readonly length: number
  readonly byte: string
  readonly hex: string
  readonly error?: string
}

describe.each(vectorArrays<AppDataCase>("short-links.json", "appDataEncode"))("$name", ({ cases }) => {
  test.each(cases)("$name", ({ length, byte, hex }) => {
    const data = fromHex(byte.repeat(length))
    expect(toHex(encodeWith((w) => writeAppData(w, data)))).toBe(hex)
    expect(toHex(readAppData(new Reader(fromHex(hex))))).toBe(toHex(data))
  })
})

describe.each(vectorArrays<AppDataCase>("short-links.json", "appDataDecode"))("$name", ({ cases }) => {
  test.each(cases)("$name", ({ length, hex, error }) => {
    const read = () => readAppData(new Reader(fromHex(hex)))
    if (error === undefined) expect(read()).toHaveLength(length)
    else expect(read).toThrow("app data")
  })
})

function rootPair(key: { readonly pub: string; readonly priv: string }): KeyPair<"ed25519"> {
  const publicKey = decodePublicKey(fromHex(key.pub))
  const privateKey = decodePrivateKey(fromHex(key.priv))
  if (publicKey.algorithm !== "ed25519" || privateKey.algorithm !== "ed25519") throw new Error("not an Ed25519 key")
  return { publicKey, privateKey }
}

function problemOf(run: () => unknown): LinkError["problem"] {
  try {
    run()
  } catch (error) {
    if (error instanceof LinkError) return error.problem
    throw error
  }
  throw new Error("no problem found")
}

/** The problem in the words of the reference. */
function referenceError(run: () => unknown): string {
  const error = agentLinkError(problemOf(run))
  if (error?.type === "A_CRYPTO") return "AGENT {agentErr = A_CRYPTO {cryptoErr = DECRYPT_CB}}"
  if (error?.type === "A_MESSAGE") return "AGENT {agentErr = A_MESSAGE}"
  return `AGENT {agentErr = A_LINK {linkErr = "${error?.text}"}}`
}

function longBytes(bytes: LongBytes): { length: number } {
  return { length: typeof bytes === "string" ? bytes.length / 2 : bytes.length }
}

function describeLong(bytes: Uint8Array, like: LongBytes): LongBytes {
  if (typeof like === "string") return toHex(bytes)
  const { length } = bytes
  return { length, sha256: toHex(nativeCrypto.sha256(bytes)), first: toHex(bytes.subarray(0, 48)) }
}

/** Long user data is described in the vectors, not given. */
function compact(value: unknown, like: Record<string, unknown> | undefined): unknown {
  const opened = value as { userData: { data: string } }
  const expected = (like as { userData: { data: LongBytes } } | undefined)?.userData.data ?? ""
  return { ...opened, userData: { ...opened.userData, data: describeLong(fromHex(opened.userData.data), expected) } }
}
