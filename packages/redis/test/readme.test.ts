import { readFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { expect, it } from "vitest"
import { countVisitor } from "./readme-example.ts"
import { haveRedis } from "./redis-program.ts"
import { startRedis } from "./start-redis.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "readme-example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
})

it.skipIf(!haveRedis)("counts visitors until there are ten", async () => {
  await using server = await startRedis()
  const counted: number[] = []
  for (let i = 0; i < 12; i++) counted.push(await countVisitor(server.config(), { log: silentLog, clock: systemClock }))
  expect(counted).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0])
})
