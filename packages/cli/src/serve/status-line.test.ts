import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { StatusLine, statusText } from "./status-line.ts"

/** What a terminal shows after control sequences: finished lines, and the one that the cursor is on. */
class FakeScreen {
  columns = 40
  #text = ""

  write(text: string): void {
    this.#text += text
  }

  get lines(): string[] {
    return this.#text.split("\n").map((line) => line.slice(line.lastIndexOf("\u001b[2K") + 1).replace(/^\[2K/, ""))
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] })
})
afterEach(() => {
  vi.useRealTimers()
})

it("keeps one line up to date, below what is logged", () => {
  const screen = new FakeScreen()
  const line = new StatusLine(screen)
  const status = { connections: 1, queues: 2, sent: 100 }
  line.show(() => status)
  expect(screen.lines).toEqual(["1 connection · 2 queues · 0 messages/s"])
  line.write("something happened\n")
  expect(screen.lines).toEqual(["something happened", "1 connection · 2 queues · 0 messages/s"])
  Object.assign(status, { connections: 2, sent: 105 })
  vi.advanceTimersByTime(1_000)
  // One column is left free: a full line would wrap.
  expect(screen.lines.at(-1)).toBe("2 connections · 2 queues · 5.0 messages")
  line.hide()
  Object.assign(status, { connections: 9 })
  vi.advanceTimersByTime(5_000)
  expect(screen.lines).toEqual(["something happened", ""])
})

it("counts in words", () => {
  expect(statusText({ connections: 0, queues: 1, sent: 0 }, 1234.56)).toBe("0 connections · 1 queue · 1235 messages/s")
  expect(statusText({ connections: 1, queues: 0, sent: 0 }, 0.25)).toBe("1 connection · 0 queues · 0.3 messages/s")
})
