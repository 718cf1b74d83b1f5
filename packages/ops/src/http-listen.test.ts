import { once } from "node:events"
import { createServer, type Server } from "node:http"
import { expect, it } from "vitest"
import { bindOf } from "./bind.ts"
import { addressOf, type ListenAt, listenFor } from "./http-listen.ts"

async function listen(server: Server, at: ListenAt): Promise<void> {
  server.listen(at)
  await once(server, "listening")
}

it("listens on every address, and names what it can't listen on in one line", async () => {
  await using first = createServer()
  const second = createServer()
  expect(() => addressOf(first)).toThrow("not listening")
  await listenFor("tests", bindOf("*", 0), (at) => listen(first, at))
  const { port } = addressOf(first)
  await expect(listenFor("tests", bindOf("*", port), (at) => listen(second, at))).rejects.toThrow(
    `cannot listen on *:${port} for tests (EADDRINUSE)`,
  )
})
