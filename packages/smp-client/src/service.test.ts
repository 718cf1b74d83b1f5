import { nativeCrypto as c } from "@sluice/crypto/native"
import { verifyServiceSignature } from "@sluice/smp-protocol/authorization"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { ServiceRole } from "@sluice/smp-protocol/types"
import { createServiceCredentials } from "@sluice/transport/identity"
import { expect, test } from "vitest"
import { FakeServer } from "../test/fake-server.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"

const credentials = createServiceCredentials(c, { now: Math.floor(Date.now() / 1000) })
const serviceId = c.randomBytes(24)
const expected = { count: 2n, hash: new Uint8Array(16).fill(1) }
const soks = (count: bigint, byte: number): BrokerMessage => ({
  tag: "SOKS",
  counters: { count, hash: new Uint8Array(16).fill(byte) },
})
const lookUpService = (): Promise<Uint8Array> => Promise.resolve(serviceId)
const service = (role: ServiceRole): { role: ServiceRole; credentials: typeof credentials } => ({ role, credentials })

test("the server's id of the service is in the session", async () => {
  await using server = await FakeServer.start({ lookUpService })
  await using connection = await connect(server.address, { service: service("M") })
  expect(connection.session.service?.serviceId).toEqual(serviceId)
  expect((await server.connection()).session.service?.fingerprint).toEqual(credentials.fingerprint)
})

test("a refused service is an error of the handshake", async () => {
  await using server = await FakeServer.start({ lookUpService: () => Promise.resolve(undefined) })
  const refused = problem(connect(server.address, { service: service("N") }))
  expect(await refused).toEqual({ code: "TRANSPORT", error: "HANDSHAKE BAD_SERVICE" })
})

test("whole services subscribe with the session key, and their counters are compared", async () => {
  const answers = [soks(2n, 1), soks(3n, 2), soks(2n, 2)]
  await using server = await FakeServer.start({ lookUpService, respond: () => answers.shift() })
  await using connection = await connect(server.address, { service: service("M") })
  expect(await connection.subscribeService(expected)).toEqual({ actual: expected, difference: undefined })
  expect(await connection.subscribeNotifierService(expected)).toMatchObject({ difference: "count" })
  expect(await connection.subscribeService(expected)).toMatchObject({ difference: "hash" })
  const peer = await server.connection()
  const sessionKey = peer.session.service?.sessionKey
  expect(sessionKey).toBeDefined()
  if (sessionKey === undefined) return
  for (const sent of peer.commands) {
    expect(sent.command).toMatchObject({ expected })
    expect(sent.entityId).toEqual(serviceId)
    expect(sent.serviceSignature).toBeUndefined()
    expect(verifyServiceSignature(c, sessionKey, sent.signed.bytes(), sent.authorization)).toBe(true)
  }
})

test("commands that the service must sign are signed twice", async () => {
  await using server = await FakeServer.start({
    lookUpService,
    respond: ({ command }) => (command.tag === "SUB" ? { tag: "SOK", serviceId } : { tag: "OK" }),
  })
  await using connection = await connect(server.address, { service: service("M") })
  const keys = c.generateKeyPair("x25519")
  const queue = { recipientId: c.randomBytes(24), recipientKey: keys.privateKey }
  expect(await connection.subscribe(queue)).toEqual({ serviceId })
  await connection.acknowledge(queue, queue.recipientId)
  const peer = await server.connection()
  const [sub, ack] = [await peer.command(0), await peer.command(1)]
  expect(sub.serviceSignature).toHaveLength(64)
  expect(peer.verifies(sub, keys.publicKey)).toBe(true)
  expect(ack.serviceSignature).toBeUndefined()
  expect(peer.verifies(ack, keys.publicKey)).toBe(true)
})

test("without an accepted service the commands of services are not even sent", async () => {
  await using server = await FakeServer.start({ range: { min: 6, max: 18 } })
  // role M is announced from v19 only
  await using connection = await connect(server.address, { service: service("M") })
  expect(connection.session.service).toBeUndefined()
  const subscribed = problem(connection.subscribeNotifierService(expected))
  expect(await subscribed).toEqual({ code: "NOT_A_SERVICE", command: "NSUBS" })
})
