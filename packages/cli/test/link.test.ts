// `sluice link` over real sockets: two relays in this process, one of which is also the proxy; the commands beside them.
import { readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { formatServerAddress, parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { sealBlob } from "@sluice/short-links/blob"
import { blobLinkSecrets } from "@sluice/short-links/blob-link"
import { encodeFixedData } from "@sluice/short-links/fixed-data"
import { contactSecrets, linkKeyOf, linkSecrets } from "@sluice/short-links/link-keys"
import { authorizeOwner } from "@sluice/short-links/owners"
import { formatShortLink } from "@sluice/short-links/short-link"
import { signPart } from "@sluice/short-links/signed-part"
import { type ContactUserData, encodeUserData } from "@sluice/short-links/user-data"
import { writeBlob } from "@sluice/smp-client/blob-commands"
import { connect } from "@sluice/smp-client/connect"
import type { LinkData } from "@sluice/smp-protocol/types"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { TestRelay } from "../../../test/support/relay.ts"
import { resolve } from "../src/actions/link-resolve.ts"
import { runCommandLine } from "../src/command-line.ts"
import { CommandFailure } from "../src/failure.ts"
import { readBlobState } from "../src/link/blob-state.ts"
import { type LinkPlan, planLink, userDataOf } from "../src/link/new-link.ts"
import { readOwnerState } from "../src/link/owner-state.ts"
import { type Result, sluice, temporaryFolder } from "./sluice.ts"

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let relay: TestRelay
let proxy: TestRelay

const addressOf = (one: TestRelay): string => formatServerAddress(serverOf(one))
const file = (name: string): string => join(folder.path, name)
/** Files that an option names are in the folder of the test. */
const inFolder = (argument: string): string => (/^[\w-]+\.(json|png)$/.test(argument) ? file(argument) : argument)

/** Runs `sluice link` in this process, which is ten times faster than in its own, and gives what it printed. */
async function link(...args: readonly string[]): Promise<Result> {
  const printed = { stdout: "", stderr: "" }
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((chunk) => {
      printed[name] += String(chunk)
      return true
    }),
  )
  try {
    return { code: await runCommandLine(["link", ...args.map(inFolder)]), ...printed }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

function serverOf(one: TestRelay): ServerAddress {
  return { scheme: "smp", keyHash: one.relay.fingerprint, hosts: ["127.0.0.1"], port: String(one.port) }
}

/** A picture as small as they get: only its first bytes are looked at. */
const PICTURE = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")

beforeAll(async () => {
  folder = await temporaryFolder()
  relay = await TestRelay.start({ store: "memory" })
  proxy = await TestRelay.start({ store: "memory", settings: { "proxy.allow_private": true } })
  await writeFile(file("face.png"), PICTURE)
})

afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe("a contact address", () => {
  let text: string

  it("is created, with the secrets in a file of its owner's", async () => {
    const options = ["--contact", "-f", "me.json", "--name", "Ann", "--image", "face.png", "--message", "Hello\nthere"]
    const { code, stdout, stderr } = await link("create", addressOf(relay), ...options)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    text = stdout.trim()
    expect(text).toMatch(/^https:\/\/127\.0\.0\.1\/a#[\w-]{43}\?p=\d+&c=[\w-]{43}$/)
    expect((await stat(file("me.json"))).mode & 0o777).toBe(0o600)
  })

  it("is explained without asking anybody", async () => {
    const { code, stdout } = await link("show", text)
    expect(code).toBe(0)
    expect(stdout).toContain("leads to      contact address\n")
    expect(stdout).toMatch(/link ID {7}[\w-]{32}\n/)
    const { stdout: json } = await link("show", "me.json", "--json")
    expect(JSON.parse(json)).toMatchObject({ form: "short link", link: text, server: "127.0.0.1" })
  })

  it("is resolved, directly and through a proxy, as often as one likes", async () => {
    const direct = await link("resolve", text)
    expect(direct).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "name       Ann\nmessage    Hello\n           there\npicture    image/png, 16 bytes\nleads to   contact address\n" +
        `server     127.0.0.1:${relay.port}\nsigned by  its creator\ndirect     yes\n`,
    })
    const proxied = await link("resolve", text, "--proxy", addressOf(proxy), "--json")
    expect(proxied).toMatchObject({ code: 0, stderr: "" })
    const found = JSON.parse(proxied.stdout) as Record<string, unknown>
    expect(found).toMatchObject({
      kind: "contact",
      direct: true,
      owners: [],
      relays: [],
      profile: { displayName: "Ann" },
    })
    const full = await link("show", String(found["fullLink"]))
    expect(full.stdout).toMatch(/^form {12}full link\nleads to {8}contact address\n/)
  })

  it("shows what its owner changed, and is gone when its owner deletes it", async () => {
    const update = await link("update", "me.json", "--name", "Ann B.", "--no-image", "--message", "Bye")
    expect(update).toEqual({ code: 0, stdout: "", stderr: `Updated; the link is still ${text}\n` })
    const { stdout } = await link("resolve", text, "--json")
    expect(JSON.parse(stdout)).toMatchObject({ profile: { displayName: "Ann B.", message: "Bye" } })
    expect((JSON.parse(stdout) as { profile: object }).profile).not.toHaveProperty("image")

    expect((await link("delete", "me.json", "--keep-queue")).code).toBe(0)
    const gone = await link("resolve", text)
    expect(gone).toMatchObject({ code: 1, stdout: "" })
    expect(gone.stderr).toMatch(
      /^sluice: 127\.0\.0\.1:\d+: the server answered ERR AUTH to LGET: there is no such link[^\n]*\n$/,
    )
    expect((await link("update", "me.json")).code).toBe(0)
    expect((await link("resolve", text)).code).toBe(0)
    expect((await link("delete", "me.json")).code).toBe(0)
    expect((await link("resolve", text)).code).toBe(1)
    await expect(stat(file("me.json"))).rejects.toThrow("ENOENT")
  })

  it("is created and resolved by the program itself", async () => {
    const run = (...args: readonly string[]): Promise<Result> => sluice(["link", ...args], { cwd: folder.path })
    const created = await run("create", addressOf(relay), "--contact", "-f", "own.json", "--name", "Ann")
    expect(created).toMatchObject({ code: 0, stderr: "" })
    expect((await run("resolve", "own.json")).stdout).toMatch(/^name {7}Ann\n/)
    expect(await run("resolve", "https://a.example/a#AAAA")).toMatchObject({ code: 2, stdout: "" })
  })

  it("takes a profile that has to be compressed", async () => {
    const message = "welcome ".repeat(2500)
    const { stdout } = await link(
      "create",
      addressOf(relay),
      "--contact",
      "-f",
      "l.json",
      "--name",
      "L",
      "--message",
      message,
    )
    const { stdout: json } = await link("resolve", stdout.trim(), "--json")
    expect(JSON.parse(json)).toMatchObject({ profile: { displayName: "L", message } })
  })
})

describe("a one-time invitation", () => {
  it("is only read by who asks for it, and then by nobody else", async () => {
    const created = await link("create", addressOf(relay), "--invitation", "-f", "one.json", "--name", "Bob", "--json")
    const { link: text, fullLink } = JSON.parse(created.stdout) as { link: string; fullLink: string }
    expect(text).toMatch(/^https:\/\/127\.0\.0\.1\/i#[\w-]{32}\/[\w-]{43}\?/)

    expect(await link("resolve", text)).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "sluice: LINK is a one-time invitation: reading it locks it to the reader; to do that, give --one-time and --state FILE\n",
    })
    const mine = ["resolve", text, "--one-time", "--state", "mine.json", "--json"]
    const first = await link(...mine, "--proxy", addressOf(proxy))
    expect(JSON.parse(first.stdout)).toMatchObject({ kind: "invitation", fullLink, profile: { displayName: "Bob" } })
    expect((await stat(file("mine.json"))).mode & 0o777).toBe(0o600)
    expect(await link(...mine)).toEqual(first)

    const other = await link("resolve", text, "--one-time", "--state", "other.json")
    expect(other).toMatchObject({ code: 1, stdout: "" })
    expect(other.stderr).toContain(
      "the server answered ERR AUTH to LKEY: there is no such link, or somebody else read it before",
    )
    // Its owner can not change it any more, either.
    expect((await link("update", "one.json", "--name", "Rob")).stderr).toContain("the server answered ERR AUTH to LSET")
  })
})

describe("what is wrong", () => {
  it("with options is said in one line, with exit code 2", async () => {
    const create = ["create", addressOf(relay), "-f", "new.json", "--name", "x"]
    await writeFile(file("there.json"), "{}")
    await writeFile(file("big.png"), Buffer.concat([PICTURE, Buffer.alloc(10_000)]))
    const cases: readonly (readonly [readonly string[], string])[] = [
      [create, "one of --contact and --invitation has to be given"],
      [[...create, "--contact", "--invitation"], "one of --contact and --invitation has to be given"],
      [["create", addressOf(relay), "--contact", "-f", "there.json", "--name", "x"], "exists already"],
      [[...create, "--contact", "--image", "there.json"], "allowed: a JPEG, PNG, WebP or GIF file"],
      [[...create, "--contact", "--image", "big.png"], "10016 bytes is not allowed"],
      [[...create, "--contact", "--image", "none.png"], "cannot be read (ENOENT)"],
      [["show", "https://a.example/b#AAAA"], "LINK is not allowed: its text is wrong (type)"],
      [["show", "nothing.json"], "there is no such file"],
      [["resolve", "https://a.example/a#AAAA"], "give its address with --server"],
      [["update", "there.json", "--name", "x"], 'allowed: a file of the kind "sluice link, owner"'],
    ]
    for (const [args, expected] of cases) {
      const { code, stdout, stderr } = await link(...args)
      expect({ code, stdout }, expected).toEqual({ code: 2, stdout: "" })
      expect(stderr).toMatch(/^sluice: [^\n]+\n$/)
      expect(stderr).toContain(expected)
    }
  })

  it("with the relay is said in one line, with exit code 1", async () => {
    const text =
      "https://127.0.0.1/a#MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY?p=1&c=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
    const { code, stderr } = await link("resolve", text)
    expect(code).toBe(1)
    expect(stderr).toBe(
      "sluice: 127.0.0.1:1: cannot connect: nothing listens there, is the relay running? (ECONNREFUSED)\n",
    )
    const proxied = await link("resolve", text, "--proxy", addressOf(proxy))
    expect(proxied.code).toBe(1)
    expect(proxied.stderr).toMatch(/^sluice: 127\.0\.0\.1:\d+: the server answered ERR PROXY BROKER [^\n]*\n$/)
  })
})

describe("data that is not what the link promises", () => {
  /** Puts a link on the relay and resolves it. */
  async function resolveWith(
    spoil: (plan: LinkPlan) => { data?: LinkData; linkKey?: Uint8Array; corrId?: Uint8Array },
  ): Promise<string> {
    const plan = planLink(c, "contact", serverOf(relay), { displayName: "Eve" })
    const { data = plan.made.data, linkKey = plan.made.linkKey, corrId = plan.corrId } = spoil(plan)
    const { linkId } = contactSecrets(c, linkKey)
    await using connection = await connect(serverOf(relay))
    await connection.createQueue({ mode: "contact", subscribe: false, link: { data, linkId }, corrId })
    const server = parseServerAddress(addressOf(relay))
    const text = formatShortLink({ kind: "contact", contactType: "contact", scheme: "https", server, linkKey })
    const failure: unknown = await resolve(text, { timeout: 15_000 }).catch((error: unknown) => error)
    if (!(failure instanceof CommandFailure)) throw new Error("it was not refused", { cause: failure })
    return failure.message.replace("this link can not be used: ", "")
  }

  /** Seals anything with the keys of the link. */
  function sealed({ made }: LinkPlan, part: "fixed" | "user", content: Uint8Array): LinkData {
    return { ...made.data, [part]: sealBlob(c, contactSecrets(c, made.linkKey).blobKey, part, content) }
  }

  function changed({ made }: LinkPlan, part: "fixed" | "user", at: number): LinkData {
    const blob = made.data[part].slice()
    blob[at] = (blob[at] ?? 0) ^ 1
    return { ...made.data, [part]: blob }
  }

  const user = (more: Partial<ContactUserData>): Uint8Array =>
    encodeUserData({ ...(userDataOf("contact", { displayName: "Eve" }) as ContactUserData), ...more })

  it.each([0, 24, 40, 2047])("a fixed part with byte %s changed", async (at) => {
    expect(await resolveWith((plan) => ({ data: changed(plan, "fixed", at) }))).toMatch(/^its fixed data does not open/)
  })

  it.each([0, 24, 40, 13_823])("a user part with byte %s changed", async (at) => {
    expect(await resolveWith((plan) => ({ data: changed(plan, "user", at) }))).toMatch(/^its user data does not open/)
  })

  it("no link data", async () => {
    expect(await resolveWith((plan) => ({ data: sealed(plan, "fixed", c.randomBytes(200)) }))).toBe(
      "its fixed data opens, but is no link data",
    )
    const noUser = (plan: LinkPlan) => ({
      data: sealed(plan, "user", signPart(c, plan.rootKeys.privateKey, Uint8Array.of(1))),
    })
    expect(await resolveWith(noUser)).toBe("its user data opens, but is no link data")
  })

  it("other fixed data, encrypted for the link", async () => {
    const other = planLink(c, "contact", serverOf(relay), { displayName: "Mallory" })
    const fixed = encodeFixedData({
      agentVersions: other.request.agentVersions,
      rootKey: other.rootKeys.publicKey,
      request: other.request,
    })
    const text = await resolveWith((plan) => ({
      data: sealed(plan, "fixed", signPart(c, other.rootKeys.privateKey, fixed)),
    }))
    expect(text).toMatch(/^its fixed data is not what the link was made for/)
  })

  it("fixed data that its root did not sign", async () => {
    const stranger = c.generateKeyPair("ed25519").privateKey
    const text = await resolveWith((plan) => {
      const { request, rootKeys } = plan
      const fixed = encodeFixedData({ agentVersions: request.agentVersions, rootKey: rootKeys.publicKey, request })
      expect(linkKeyOf(c, fixed)).toEqual(plan.made.linkKey)
      return { data: sealed(plan, "fixed", signPart(c, stranger, fixed)) }
    })
    expect(text).toBe("its fixed data is not signed by its own root key")
  })

  it("user data that nobody signed who may", async () => {
    const stranger = c.generateKeyPair("ed25519")
    const text = await resolveWith((plan) => ({
      data: sealed(plan, "user", signPart(c, stranger.privateKey, user({}))),
    }))
    expect(text).toBe("its user data is signed by nobody who may")
  })

  it("owners that break the rules", async () => {
    const key = c.generateKeyPair("ed25519")
    const id = Uint8Array.of(1, 2, 3)
    const withOwners = (make: (plan: LinkPlan) => ContactUserData["owners"]) =>
      resolveWith((plan) => ({
        data: sealed(plan, "user", signPart(c, plan.rootKeys.privateKey, user({ owners: make(plan) }))),
      }))
    const good = ({ rootKeys }: LinkPlan) => authorizeOwner(c, rootKeys.privateKey, id, key.publicKey)
    expect(await withOwners(({ rootKeys }) => [authorizeOwner(c, rootKeys.privateKey, id, rootKeys.publicKey)])).toBe(
      "owner AQID is listed with the root key",
    )
    expect(await withOwners((plan) => [good(plan), good(plan)])).toBe("owner AQID is listed twice")
    const byItself = authorizeOwner(c, key.privateKey, id, key.publicKey)
    expect(await withOwners(() => [byItself])).toBe("owner AQID was authorized by nobody who may")
  })

  it("data of another queue", async () => {
    const text = await resolveWith(() => ({ corrId: c.randomBytes(24) }))
    expect(text).toBe("its data leads to another server or queue")
  })
})

describe("a link to a blob, the network's first design", () => {
  it("is created, shown, resolved, changed and deleted where the relay offers blobs", async () => {
    await using offering = await TestRelay.start({ store: "memory", settings: { "blobs.enabled": true } })
    const options = ["-f", "blob.json", "--name", "Ann", "--image", "face.png"]
    const created = await link("create", addressOf(offering), "--contact", "--blob", ...options)
    expect(created).toMatchObject({ code: 0, stderr: "" })
    const text = created.stdout.trim()
    expect(text).toMatch(/^simplex:\/contact#\/[\w-]{43}=@127\.0\.0\.1:\d+\/[\w-]{43}$/)
    expect((await stat(file("blob.json"))).mode & 0o777).toBe(0o600)
    expect((await link("show", text)).stdout).toMatch(/^form {9}link to a blob\nleads to {5}contact address\n/)

    const { stdout } = await link("resolve", text, "--proxy", addressOf(proxy))
    expect(stdout).toBe(
      "name      Ann\npicture   image/png, 16 bytes\nleads to  contact address\n" +
        `server    127.0.0.1:${offering.port}\nverified  that its creator made it; not that it leads to the link's server\n`,
    )
    expect((await link("update", "blob.json", "--name", "Ann B.")).code).toBe(0)
    const changed = await link("resolve", text, "--json")
    expect(JSON.parse(changed.stdout)).toMatchObject({ kind: "contact", profile: { displayName: "Ann B." } })

    const keys = await readBlobState(c, file("blob.json"))
    await using connection = await connect(serverOf(offering))
    const { readerKey } = blobLinkSecrets(c, keys.link.key)
    await writeBlob(connection, readerKey.raw, keys.ownerKeys, c.randomBytes(16_048))
    const tampered = await link("resolve", text)
    expect(tampered).toMatchObject({ code: 1, stdout: "" })
    expect(tampered.stderr).toMatch(/^sluice: this link can not be used: its blob data does not open/)

    expect((await link("delete", "blob.json")).code).toBe(0)
    expect((await link("resolve", text)).stderr).toContain(
      "the server answered ERR AUTH to READ: there is no such blob",
    )
  })

  it("is refused in one line where it does not", async () => {
    const { code, stderr } = await link(
      "create",
      addressOf(relay),
      "--invitation",
      "--blob",
      "-f",
      "b.json",
      "--name",
      "x",
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^sluice: 127\.0\.0\.1:\d+: the server answered ERR CMD UNKNOWN to WRT: it offers no blobs\n$/,
    )
    await expect(stat(file("b.json"))).rejects.toThrow("ENOENT")
  })
})

it("never tells a relay, a proxy or a log what is behind a link", async () => {
  const { stdout } = await link(
    "create",
    addressOf(relay),
    "--contact",
    "-f",
    "secret.json",
    "--name",
    "Carol-the-Quiet",
  )
  await link("resolve", stdout.trim(), "--proxy", addressOf(proxy))
  const key = /#([\w-]{43})/.exec(stdout)?.[1] ?? "no key"
  const state = await readOwnerState(c, file("secret.json"))
  expect(linkSecrets(c, state.link).linkId).toEqual(state.linkId)
  expect(await readFile(file("secret.json"), "utf8")).toContain(key)
  for (const { log } of [relay, proxy]) {
    const text = JSON.stringify(log)
    expect(text).not.toContain(key)
    expect(text).not.toContain("Carol")
  }
})
