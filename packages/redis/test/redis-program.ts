import { spawnSync } from "node:child_process"
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

/** Whether that server was built with TLS, which is its packager's choice: one that was asks for the certificate. */
export function redisHasTls(): boolean {
  if (redisProgram === undefined) return false
  const { stdout } = spawnSync(redisProgram, ["--port", "0", "--tls-port", "1"], { encoding: "utf8", timeout: 5_000 })
  return stdout.includes("Failed to configure TLS")
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not there, or not for this user.
    return false
  }
}
