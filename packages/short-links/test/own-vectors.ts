import { encodePrivateKey, encodePublicKey, type KeyPair } from "@sluice/crypto/keys"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import { writeAppData } from "../src/app-data.ts"
import { openBlob } from "../src/blob.ts"
import { readConnectionRequest, writeConnectionRequest } from "../src/connection-request.ts"
import { encodeFixedData } from "../src/fixed-data.ts"
import { formatFullLink, parseFullLink } from "../src/full-link.ts"
import { contactSecrets, invitationBlobKey } from "../src/link-keys.ts"
import { makeLink } from "../src/make-link.ts"
import { openLinkData } from "../src/open-link.ts"
import { authorizeOwner, type LinkOwner, writeOwner } from "../src/owners.ts"
import { restoreLink, shortenLink } from "../src/presets.ts"
import { formatQueueUri, parseQueueUri, writeQueueUri } from "../src/queue-uri.ts"
import { formatShortLink, parseShortLink, type ShortLink } from "../src/short-link.ts"
import { readShortLink, writeShortLink } from "../src/short-link-binary.ts"
import type { UserLinkData } from "../src/user-data.ts"
import { linkValue } from "./links.ts"
import { AGENT_VERSIONS, contactUserData, sampleQueue, sampleRequest, sampleUserData } from "./samples.ts"
import { seededCrypto } from "./seeded.ts"
import { openedValue, ownerValue, queueValue, requestValue } from "./vector-values.ts"

const c = seededCrypto()
const KEY = "PHTaoYQhnkUhTbFuCQfWKyHtPHR3GzqJ4HSS5IFvoHA"
const ID = "PHTaoYQhnkUhTbFuCQfWKyHtPHR3GzqJ"
const PRESETS = ["smp://1234-w==@smp.example.org,a.example", "smp://1234-w==@smp2.example.org:5223"]

/** All arrays of the project's own file, in the format of the reference's. */
export function ownVectors(): Record<string, unknown> {
  const root = c.generateKeyPair("ed25519")
  const linkData = [
    dataCase("invitation", root, sampleUserData("invitation", '{"displayName":"ann"}')),
    dataCase(
      "contact, entity id, owners",
      root,
      contactUserData("hello", { owners: ownerChain(root) }),
      c.randomBytes(8),
    ),
  ]
  return {
    source: "made by packages/short-links/test/make-vectors.ts",
    kdf: [kdfCase("key of numbers", c.randomBytes(32)), kdfCase("key of zeros", new Uint8Array(32))],
    linkData,
    decryptCases: decryptCases(linkData),
    owners: ownersCases(root),
    appDataEncode: [0, 1, 254, 255, 256].map(appDataCase),
    appDataDecode: [
      { name: "long form of 3", hex: "ff0003616263", length: 3 },
      { name: "truncated", hex: "ff0004616263", error: "truncated" },
    ],
    links: LINKS.map(linkCase),
    linkParse: PARSED.map(parseCase),
    presets: PRESETS,
    shorten: SHORTENED.map(shortenCase),
    connectionRequests: (["invitation", "contact"] as const).map(requestCase),
    connectionRequestParse: requestParseCases(),
    queueUriParse: queueCases(),
  }
}

const LINKS = [
  `https://smp.example.org/a#${KEY}`,
  `https://smp.example.org/g#${KEY}?h=a.example&p=443&c=1234-w`,
  `https://10.1.2.3/i#${ID}/${KEY}?c=1234-w`,
  `simplex:/c#${KEY}?h=smp.example.org%2Ca.example&p=5223&c=1234-w`,
  `simplex:/r#${KEY}?h=smp.example.org`,
  `simplex:/i#${ID}/${KEY}?h=2001%3Adb8%3A%3A1`,
]

const PARSED: readonly (readonly [string, string])[] = [
  ["slash before hash, upper case", `https://smp.example.org/R/#${KEY}`],
  ["other order, unknown parameter", `https://smp.example.org/a#${KEY}?c=1234-w&x=1&p=443`],
  ["empty values", `https://smp.example.org/a#${KEY}?h=&p=&c=`],
  ["empty query", `https://smp.example.org/a#${KEY}?`],
  ["port too big", `https://smp.example.org/a#${KEY}?p=65536`],
  ["port in the authority", `https://smp.example.org:443/a#${KEY}`],
  ["no server", `simplex:/a#${KEY}?`],
  ["upper case invitation", `https://smp.example.org/I#${ID}/${KEY}`],
  ["unknown type", `https://smp.example.org/b#${KEY}`],
  ["something after it", `https://smp.example.org/a#${KEY} `],
]

const SHORTENED: readonly (readonly [string, string])[] = [
  ["same as preset", `https://smp.example.org/a#${KEY}?h=a.example&c=1234-w`],
  ["default port", `https://smp.example.org/a#${KEY}?p=443&c=1234-w`],
  ["other port", `https://smp.example.org/a#${KEY}?p=444&c=1234-w`],
  ["second host only", `https://a.example/a#${KEY}?c=1234-w`],
  ["only first host", `https://smp2.example.org/a#${KEY}`],
]

function kdfCase(name: string, linkKey: Uint8Array): unknown {
  const { linkId, blobKey } = contactSecrets(c, linkKey)
  const invitationKey = toHex(invitationBlobKey(c, linkKey))
  return { name, linkKey: toHex(linkKey), contactLinkId: toHex(linkId), contactKey: toHex(blobKey), invitationKey }
}

interface DataCase {
  readonly linkKey: string
  readonly key: string
  readonly encFixed: string
  readonly encUser: string
  readonly decrypted: unknown
}

function dataCase(name: string, root: KeyPair<"ed25519">, user: UserLinkData, linkEntityId?: Uint8Array): DataCase {
  const request = sampleRequest(c, user.kind)
  const made = makeLink(c, root, { agentVersions: AGENT_VERSIONS, request, linkEntityId }, user)
  const { linkKey, linkId, data, kind } = made
  const blobKey = kind === "contact" ? contactSecrets(c, linkKey).blobKey : invitationBlobKey(c, linkKey)
  const record = {
    name,
    rootKey: { pub: toHex(encodePublicKey(root.publicKey)), priv: toHex(encodePrivateKey(root.privateKey)) },
    agentRange: [AGENT_VERSIONS.min, AGENT_VERSIONS.max],
    connReqString: formatFullLink(request),
    connReqBinary: toHex(encodeWith((w) => writeConnectionRequest(w, request))),
    linkEntityId: linkEntityId === undefined ? null : toHex(linkEntityId),
    userDataPlain: toHex(user.appData),
    fixedData: toHex(
      encodeFixedData({ agentVersions: AGENT_VERSIONS, rootKey: root.publicKey, request, linkEntityId }),
    ),
    signedFixed: toHex(openBlob(c, blobKey, "fixed", data.fixed)),
    signedUser: toHex(openBlob(c, blobKey, "user", data.user)),
    linkKey: toHex(linkKey),
    linkId: linkId === undefined ? null : toHex(linkId),
    key: toHex(blobKey),
    encFixed: toHex(data.fixed),
    encUser: toHex(data.user),
  }
  return { ...record, decrypted: openedValue(openLinkData(c, { kind, linkKey, blobKey }, data)) }
}

function decryptCases(linkData: readonly DataCase[]): unknown[] {
  const contact = linkData[1]
  if (contact === undefined) throw new Error("no contact link")
  const { linkKey, key, encFixed, encUser, decrypted } = contact
  const otherKey = toHex(c.sha256(fromHex(linkKey)))
  const hashError = 'AGENT {agentErr = A_LINK {linkErr = "link data hash"}}'
  return [
    { name: "good", linkKey, key, encFixed, encUser, result: decrypted },
    { name: "other link key", linkKey: otherKey, key, encFixed, encUser, result: { error: hashError } },
  ]
}

function ownerChain(root: KeyPair<"ed25519">): LinkOwner[] {
  const first = c.generateKeyPair("ed25519")
  const second = c.generateKeyPair("ed25519")
  return [
    authorizeOwner(c, root.privateKey, utf8("first"), first.publicKey),
    authorizeOwner(c, first.privateKey, utf8("second"), second.publicKey),
  ]
}

function ownersCases(root: KeyPair<"ed25519">): unknown[] {
  const [first, second] = ownerChain(root) as [LinkOwner, LinkOwner]
  const cases: readonly (readonly [string, readonly LinkOwner[], string?])[] = [
    ["chain", [first, second]],
    ["wrong order", [second, first], "invalid authorization of owner ID c2Vjb25k"],
    ["same twice", [first, first], "duplicate owner key or ID Zmlyc3Q"],
    ["root", [authorizeOwner(c, root.privateKey, utf8("r"), root.publicKey)], "owner key for ID cg matches root key"],
  ]
  return cases.map(([name, owners, error]) => ({
    name,
    owners: owners.map(ownerValue),
    encoded: owners.map((owner) => toHex(encodeWith((w) => writeOwner(w, owner)))),
    ...(error === undefined ? { ok: true } : { error }),
  }))
}

function appDataCase(length: number): unknown {
  const data = new Uint8Array(length).fill(0x61)
  return { name: `app data of ${length}`, length, byte: "61", hex: toHex(encodeWith((w) => writeAppData(w, data))) }
}

function linkCase(text: string): unknown {
  const link = parseShortLink(text)
  const binary = encodeWith((w) => writeShortLink(w, link))
  const value = linkValue(link)
  const parsedBinary = { value: linkValue(decodeWhole(binary, readShortLink)) }
  return { name: text, value, string: formatShortLink(link), parsed: { value }, binary: toHex(binary), parsedBinary }
}

function parseCase([name, input]: readonly [string, string]): unknown {
  let link: ShortLink
  try {
    link = parseShortLink(input)
  } catch (error) {
    return { name, input, error: (error as Error).message }
  }
  return { name, input, value: linkValue(link), string: formatShortLink(link) }
}

function shortenCase([name, text]: readonly [string, string]): unknown {
  const presets = PRESETS.map((preset) => parseServerAddress(preset))
  const link = parseShortLink(text)
  const shortened = shortenLink(link, presets)
  return {
    name,
    link: text,
    shortened: formatShortLink(shortened),
    restored: formatShortLink(restoreLink(link, presets)),
    restoredShortened: formatShortLink(restoreLink(shortened, presets)),
  }
}

function requestCase(kind: ShortLink["kind"]): unknown {
  const request = { ...sampleRequest(c, kind, true), clientData: "a b&c=\u00e9" }
  const string = formatFullLink(request)
  const binary = encodeWith((w) => writeConnectionRequest(w, request))
  const value = requestValue(request)
  const parsedBinary = { value: requestValue(decodeWhole(binary, readConnectionRequest)), binaryAgain: true }
  return {
    name: kind,
    value,
    string,
    parsedString: { value, stringAgain: string },
    binary: toHex(binary),
    parsedBinary,
  }
}

function requestParseCases(): unknown[] {
  const string = formatFullLink(sampleRequest(c, "contact"))
  const moved = string.replace("simplex:", "https://links.example.org:8443")
  const value = requestValue(parseFullLink(string))
  return [
    { name: "on a site", input: moved, any: { value, string }, asContact: { ok: true } },
    { name: "cut", input: string.slice(0, 60), any: { error: "cut" }, asContact: { error: "cut" } },
  ]
}

function queueCases(): unknown[] {
  return (["messaging", "contact", undefined] as const).map((mode) => {
    const input = formatQueueUri(sampleQueue(c, mode))
    const queue = parseQueueUri(input)
    const binary = toHex(encodeWith((w) => writeQueueUri(w, queue)))
    return { name: mode ?? "no mode", input, value: queueValue(queue), string: formatQueueUri(queue), binary }
  })
}
