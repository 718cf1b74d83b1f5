import { readFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "@sluice/smp-client/connect"
import { expect, it } from "vitest"
import { DataFolder } from "./proxy-under-test.ts"
import { startProxy } from "./readme-example.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", () => {
  expect(/```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]).toBe(read("readme-example.ts"))
})

it("the example serves", async () => {
  using folder = await DataFolder.create()
  await using proxy = await startProxy(folder.path)
  const port = String(proxy.addresses[0]?.port)
  await using client = await connect({ hosts: ["127.0.0.1"], port, keyHash: proxy.fingerprint })
  await client.ping()
})
