import { accessSync, constants } from "node:fs"
import { join } from "node:path"
import { readEnv } from "@sluice/ops/env"

/** Names of the server's program; any of them will do. */
const NAMES = ["redis-server", "valkey-server"]

/** The server's program on this machine; absent where none is installed. */
export const redisProgram: string | undefined = NAMES.find((name) =>
  (readEnv()["PATH"] ?? "").split(":").some((folder) => isExecutable(join(folder, name))),
)

/** Whether tests can start a real Redis; others are to be skipped: `describe.skipIf(!haveRedis)`. */
export const haveRedis: boolean = redisProgram !== undefined

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not there, or not for this user.
    return false
  }
}
