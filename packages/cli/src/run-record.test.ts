import { spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { type Place, placeOf } from "./place.ts"
import { readRunRecord, removeRunRecord, writeRunRecord } from "./run-record.ts"

let place: Place

beforeEach(async () => {
  place = placeOf({ data: await mkdtemp(join(tmpdir(), "sluice-run-")) }, {})
})
afterEach(() => rm(place.dataFolder, { recursive: true }))

it("is there while the process lives", async () => {
  expect(await readRunRecord(place)).toBeUndefined()
  const record = { pid: process.pid, port: 7001, adminPort: 7002 }
  await writeRunRecord(place, record)
  expect(await readRunRecord(place)).toEqual(record)
  await removeRunRecord(place)
  await removeRunRecord(place)
  expect(await readRunRecord(place)).toBeUndefined()
})

it("says nothing when its process is gone, or when it is garbled", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"])
  await writeRunRecord(place, { pid, port: 7001, adminPort: 7002 })
  expect(await readRunRecord(place)).toBeUndefined()
  for (const text of ["", "{", "null", "[1]", '{"pid":"1"}']) {
    await writeFile(join(place.dataFolder, "relay.running.json"), text)
    expect(await readRunRecord(place), text).toBeUndefined()
  }
})
