import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { expect, it } from "vitest"
import { pingServer } from "./readme-example.ts"
import { SmpClient } from "./smp-client.ts"
import { newCredentials } from "./toy.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", () => {
  expect(/```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]).toBe(read("readme-example.ts"))
})

it("the example answers", async () => {
  const credentials = newCredentials()
  const server = pingServer(0, credentials, silentLog, new Metrics().register)
  await server.start()
  const client = await SmpClient.connect(server.addresses[0]?.port ?? 0, credentials.fingerprint)
  expect(await client.roundTrip()).toEqual([])
  client.stream.end()
  await server.stop(new AbortController().signal)
  expect(server.addresses).toEqual([])
})
