import { once } from "node:events"
import { expect, it } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { ClientSession } from "../src/client-session.ts"
import type { EventJson } from "../src/schema/events.ts"

const COUNT = 2000

function unexpected(error: unknown): never {
  throw error
}

it("hands out what waits as fast as it is read, also more than the buffer of a program", async () => {
  const event = { type: "request", invitationId: "x".repeat(10_000) } as unknown as EventJson
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" })
  await once(server, "listening")
  server.on("connection", (socket) => {
    async function* pending(): AsyncGenerator<EventJson> {
      for (let i = 0; i < COUNT; i++) yield event
    }
    const call = (): Promise<never> => Promise.reject(new Error("no call was made"))
    new ClientSession(socket, { version: "1", maxCalls: 1, sendBuffer: 65_536, call, pending, failed: unexpected })
  })
  const { port } = server.address() as { port: number }
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  let events = 0
  const all = new Promise<void>((resolve, reject) => {
    socket.on("close", () => reject(new Error(`cut off after ${events} events`)))
    socket.on("message", (data) => {
      if (data.toString().startsWith('{"event"') && ++events === COUNT) resolve()
    })
  })
  await once(socket, "open")
  socket.send(JSON.stringify({ id: 1, call: "listen" }))
  await all
  expect(events).toBe(COUNT)
  socket.removeAllListeners("close").terminate()
  server.close()
})
