import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type MadeLink, makeLink, sealUserData } from "@sluice/short-links/make-link"
import { type ResolvedLink, resolveLink } from "@sluice/short-links/open-link"
import { formatShortLink, parseShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { UserLinkData } from "@sluice/short-links/user-data"
import { AGENT_RANGE, E2E_RANGE } from "@sluice/short-links/versions"
import { isClientError } from "@sluice/smp-client/client-error"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import type { QueueMode } from "@sluice/smp-protocol/types"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestRelay } from "../support/relay.ts"

/** short-links.md §15, the end-to-end cases that need no agent: links by their texts, against a relay that stores. */

let relay: TestRelay
let proxy: TestRelay
const open: SmpConnection[] = []

function serverOf(one: TestRelay) {
  return { keyHash: one.relay.fingerprint, hosts: ["127.0.0.1"], port: String(one.port) }
}

async function connected(one: TestRelay = relay, maxVersion = 20): Promise<SmpConnection> {
  const connection = await connect(serverOf(one), { range: { min: 6, max: maxVersion } })
  open.push(connection)
  return connection
}

beforeAll(async () => {
  relay = await TestRelay.start()
  proxy = await TestRelay.start({ store: "memory", settings: { "proxy.allow_private": true } })
})

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()))
  await relay[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

function userData(kind: ShortLink["kind"], text: string): UserLinkData {
  const common = { agentVersions: AGENT_RANGE, appData: utf8(text) }
  return kind === "invitation" ? { kind, ...common } : { kind, direct: true, owners: [], relays: [], ...common }
}

function requestFor(kind: ShortLink["kind"], senderId: Uint8Array, mode: QueueMode | undefined): ConnectionRequest {
  const dhKey = c.generateKeyPair("x25519").publicKey
  const queue = { versions: { min: 1, max: 4 }, server: serverOf(relay), senderId, dhKey, mode }
  if (kind === "contact") return { kind, agentVersions: AGENT_RANGE, queues: [queue] }
  const keys = [c.generateKeyPair("x448").publicKey, c.generateKeyPair("x448").publicKey] as const
  return { kind, agentVersions: AGENT_RANGE, queues: [queue], e2e: { versions: E2E_RANGE, keys } }
}

/** A link with everything that its creator keeps. */
interface Owned {
  readonly text: string
  readonly link: ShortLink
  readonly queue: CreatedQueue
  readonly made: MadeLink
  readonly root: KeyPair<"ed25519">
}

async function create(kind: ShortLink["kind"], text: string, linkEntityId?: Uint8Array): Promise<Owned> {
  const prepared = prepare(kind, text, linkEntityId)
  return register(prepared)
}

/** Everything that can be done without a network (short-links.md §7). */
function prepare(kind: ShortLink["kind"], text: string, linkEntityId?: Uint8Array) {
  const corrId = c.randomBytes(24)
  const root = c.generateKeyPair("ed25519")
  const request = requestFor(kind, senderIdOf(c, corrId), kind === "contact" ? "contact" : "messaging")
  const fixed = { agentVersions: AGENT_RANGE, request, linkEntityId }
  return { corrId, root, request, made: makeLink(c, root, fixed, userData(kind, text)) }
}

async function register({ corrId, root, request, made }: ReturnType<typeof prepare>): Promise<Owned> {
  const [{ senderId, mode }] = request.queues
  const link = { data: made.data, linkId: made.linkId }
  const queue = await (await connected()).createQueue({ mode, subscribe: false, link, corrId })
  expect(queue.senderId).toEqual(senderId)
  return { ...textOf(made, queue.linkId ?? new Uint8Array(0)), queue, made, root }
}

function textOf({ kind, linkKey }: MadeLink, linkId: Uint8Array): { text: string; link: ShortLink } {
  const common = { scheme: "https", server: serverOf(relay), linkKey } as const
  const link: ShortLink = kind === "contact" ? { kind, contactType: "contact", ...common } : { kind, linkId, ...common }
  return { text: formatShortLink(link), link }
}

async function isRefused(call: Promise<unknown>): Promise<void> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(isClientError(error) ? error.answer : error).toEqual({ type: "AUTH" })
}

const shown = ({ user }: ResolvedLink): string => fromUtf8(user.appData)

describe.each([
  ["directly", (): Promise<SmpCommands> => connected()],
  ["through a proxy", async (): Promise<SmpCommands> => (await connected(proxy)).openRelay(serverOf(relay))],
] as const)("links that are read %s", (_name, reader) => {
  /** Reads a link by its text. */
  async function read(text: string, keys?: KeyPair<"ed25519">): Promise<ResolvedLink> {
    const link = parseShortLink(text)
    const { linkId } = linkSecrets(c, link)
    const relayOfLink = await reader()
    if (link.kind === "contact") return resolveLink(c, link, await relayOfLink.getLink(linkId))
    const own = keys ?? c.generateKeyPair("ed25519")
    return resolveLink(c, link, await relayOfLink.secureByLink(linkId, own))
  }

  it("one-time: by the same user again, by nobody else, and not after the first message", async () => {
    const { text, queue } = await create("invitation", "once")
    const keys = c.generateKeyPair("ed25519")
    expect(shown(await read(text, keys))).toBe("once")
    expect(shown(await read(text, keys))).toBe("once")
    await isRefused(read(text))
    const sender = await reader()
    await sender.sendMessage({ senderId: queue.senderId, senderKey: keys.privateKey }, utf8("hello"))
    await isRefused(read(text, keys))
  })

  it("contact: by many, with what its owner changed, until it is deleted", async () => {
    const { text, link, queue, made, root } = await create("contact", "first")
    expect(await Promise.all([read(text), read(text)]).then((all) => all.map(shown))).toEqual(["first", "first"])
    const owner = await connected()
    const signer = { kind: link.kind, linkKey: link.linkKey, rootKey: root.publicKey, signingKey: root.privateKey }
    const { linkId = new Uint8Array(0) } = made
    for (const value of ["second", "second"]) {
      const user = sealUserData(c, signer, userData("contact", value))
      await owner.setLink(queue, linkId, { fixed: made.data.fixed, user })
      expect(shown(await read(text))).toBe("second")
    }
    await isRefused(owner.setLink(queue, linkId, { ...made.data, fixed: c.randomBytes(2048) }))
    await owner.deleteLink(queue)
    await isRefused(read(text))
    await isRefused((await reader()).secureByLink(linkId, c.generateKeyPair("ed25519")))
  })

  it.each([
    ["of today", 20],
    ["made before queues had modes", 8],
  ])("contact: added later to an address %s", async (_age, version) => {
    const queue = await (await connected(relay, version)).createQueue({ mode: "contact", subscribe: false })
    expect(queue.mode).toBe(version === 20 ? "contact" : undefined)
    const root = c.generateKeyPair("ed25519")
    const request = requestFor("contact", queue.senderId, "contact")
    const made = makeLink(c, root, { agentVersions: AGENT_RANGE, request }, userData("contact", "later"))
    const { linkId = new Uint8Array(0) } = made
    await (await connected()).setLink(queue, linkId, made.data)
    expect(shown(await read(textOf(made, linkId).text))).toBe("later")
  })

  it("contact: prepared without a network, created later", async () => {
    const entityId = c.randomBytes(32)
    const prepared = prepare("contact", "prepared", entityId)
    const { text } = textOf(prepared.made, new Uint8Array(0))
    await isRefused(read(text))
    expect((await register(prepared)).text).toBe(text)
    const resolved = await read(text)
    expect(shown(resolved)).toBe("prepared")
    expect(resolved.fixed.linkEntityId).toEqual(entityId)
  })

  it("both kinds: after a restart of the relay", async () => {
    const keys = c.generateKeyPair("ed25519")
    const invitation = await create("invitation", "kept once")
    const contact = await create("contact", "kept")
    await read(invitation.text, keys)
    const { port } = relay
    await relay.stop()
    await relay.start({ "relay.port": port })
    expect(shown(await read(invitation.text, keys))).toBe("kept once")
    expect(shown(await read(contact.text))).toBe("kept")
    await isRefused(read(invitation.text))
  })
})
