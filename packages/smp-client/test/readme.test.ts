import { readFileSync } from "node:fs"
import { join } from "node:path"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { describe, expect, test } from "vitest"
import { greet } from "./example.ts"
import { FakeServer } from "./fake-server.ts"
import { MiniRelay } from "./mini-relay.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

describe("README", () => {
  test("shows the example that is compiled and run here", () => {
    expect(/```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]).toBe(read("example.ts"))
  })

  test("two programs talk through one relay", async () => {
    const { respond } = new MiniRelay()
    await using server = await FakeServer.start({ respond })
    expect(await greet(formatServerAddress(server.address))).toBe("hello, Alice")
  })
})
