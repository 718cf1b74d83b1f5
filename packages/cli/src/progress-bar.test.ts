import { expect, it } from "vitest"
import { progressBar } from "./progress-bar.ts"

function terminal(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, write: (text: string) => written.push(text) > 0 } as never as NodeJS.WriteStream & {
    written: string[]
  }
}

it("draws on a terminal, not more often than ten times a second, and the end always", () => {
  let now = 0
  const out = terminal(true)
  const bar = progressBar(out, () => now)
  bar.show("messages", 0, 10)
  now = 50
  bar.show("messages", 5, 10)
  bar.show("messages", 10, 10)
  expect(out.written).toEqual([
    `\r\x1b[2Kmessages       [${" ".repeat(30)}] 0 %`,
    `\r\x1b[2Kmessages       [${"=".repeat(30)}] 100 %`,
  ])
  bar.line("a line")
  bar.clear()
  expect(out.written.slice(2)).toEqual(["\r\x1b[2K", "a line\n"])
})

it("prints only lines elsewhere", () => {
  const out = terminal(false)
  using bar = progressBar(out, () => 0)
  bar.show("queues", 1, 2)
  bar.line("a line")
  expect(out.written).toEqual(["a line\n"])
})
