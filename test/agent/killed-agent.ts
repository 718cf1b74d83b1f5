// A program that is killed by kill.test.ts: joins a link, then sends numbers for as long as it lives.
import { Agent } from "@sluice/agent/agent"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"

const [folder = "", relay = "", link = ""] = process.argv.slice(2)
const store = await lmdbStore({ folder, passphrase: "test", cost: { memoryKiB: 64, passes: 1, lanes: 1 } })
const agent = await Agent.open({ store, network: { privacy: "fast" } })
const [user = await agent.createUser([{ address: parseServerAddress(relay) }])] = agent.users()
await agent.subscribe()
const [connectionId = (await agent.joinConnection(user, link, { info: utf8("mortal") })).connectionId] =
  await agent.connections()

// How far it had come in its earlier lives: what is numbered is stored.
const sent = await store.list("sent", { prefix: [connectionId] })
let number = sent.filter(({ kind }) => kind === "A_MSG").length
for (;;) {
  await agent.sendMessage(connectionId, utf8(String(number++)))
  await new Promise(setImmediate)
}
