import { mkdir, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { giveBack, takeOver } from "./example.ts"
import { generateFiles } from "./generated-files.ts"
import { makeIdentity } from "./reference-server.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const text = (...path: string[]) => readFile(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", async () => {
  expect(/```ts\n(.*?)```/s.exec(await text("..", "README.md"))?.[1]).toBe(await text("example.ts"))
  await using folder = await temporaryFolder()
  await mkdir(folder.file("data"))
  await generateFiles(folder.file("data"), { queues: 10, messages: 5, body: 20 })
  await makeIdentity(folder.file("config"))
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  await takeOver(folder.file("config"), folder.file("data"), folder.file("relay"), say)
  expect(lines.at(-1)).toBe("10 queues with 5 messages; 0 records left out")
  await giveBack(folder.file("relay"), folder.file("exported"), say)
  expect(await readdir(folder.file("exported"))).toEqual(["config", "data"])
})
