import { existsSync } from "node:fs"
import { open, readFile } from "node:fs/promises"

/** Whether the memory of other processes can be read here: on Linux, as their user. */
export const canReadMemory: boolean = existsSync("/proc/self/mem")

const CHUNK = 16 * 1024 * 1024

/** Which of the texts and bytes are somewhere in the memory of a process: names of those found. */
export async function findInMemory(
  pid: number,
  wanted: Readonly<Record<string, Uint8Array | string>>,
): Promise<Set<string>> {
  const needles = Object.entries(wanted).flatMap(([name, value]) =>
    typeof value === "string"
      ? [[name, Buffer.from(value)] as const, [name, Buffer.from(value, "utf16le")] as const]
      : [[name, Buffer.from(value)] as const],
  )
  const overlap = Math.max(...needles.map(([, bytes]) => bytes.length))
  const found = new Set<string>()
  const memory = await open(`/proc/${pid}/mem`)
  try {
    const buffer = Buffer.alloc(CHUNK + overlap)
    for (const { start, end } of await regionsOf(pid)) {
      for (let at = start; at < end; at += CHUNK) {
        const length = Math.min(CHUNK + overlap, end - at)
        // Regions that come and go meanwhile, or that belong to devices, can't be read.
        const read = await memory.read(buffer, 0, length, at).catch(() => ({ bytesRead: 0 }))
        const bytes = buffer.subarray(0, read.bytesRead)
        for (const [name, needle] of needles) if (bytes.includes(needle)) found.add(name)
      }
    }
  } finally {
    await memory.close()
  }
  return found
}

async function regionsOf(pid: number): Promise<{ readonly start: number; readonly end: number }[]> {
  const maps = await readFile(`/proc/${pid}/maps`, "utf8")
  return maps.split("\n").flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line)
    if (match === null || /\[v(var|syscall)/.test(line)) return []
    const [start, end] = [Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)]
    return Number.isSafeInteger(end) ? [{ start, end }] : []
  })
}
