import { OperatorError } from "@sluice/ops/operator-error"
import { type AdminOptions, askAdmin } from "../admin/admin-client.ts"
import { blockText, queueLines, sessionLines, statisticsLines } from "../admin/admin-tables.ts"
import { printData, printJson } from "../output.ts"

type Json = Readonly<Record<string, unknown>>

/** `sluice admin stats` */
export async function adminStatistics(options: AdminOptions): Promise<void> {
  print(options, await askAdmin(options, "GET", "/statistics"), statisticsLines)
}

/** `sluice admin sessions` */
export async function adminSessions(options: AdminOptions): Promise<void> {
  print(options, await askAdmin(options, "GET", "/sessions"), sessionLines)
}

/** `sluice admin queue` */
export async function adminQueue(queue: string, options: AdminOptions): Promise<void> {
  print(options, await askAdmin(options, "POST", "/queue/status", { queue }), queueLines)
}

/** Options of `sluice admin block`. */
export interface BlockOptions extends AdminOptions {
  readonly reason: "spam" | "content"
  /** Seconds, or `true` for no end. */
  readonly notice?: number | true
}

/** `sluice admin block` */
export async function adminBlock(queue: string, options: BlockOptions): Promise<void> {
  const { reason, notice } = options
  const told = notice === undefined ? {} : { notice: notice === true ? {} : { ttl: notice } }
  const answer = await askAdmin(options, "POST", "/queue/block", { queue, reason, ...told })
  print(options, answer, ({ result, previous, previousBlock }) =>
    result === "changed"
      ? `it was blocked already, for ${blockText(previousBlock as Json)}; now for ${blockText({ reason, ...told })}`
      : `blocked for ${blockText({ reason, ...told })}; it was ${previous}`,
  )
}

/** `sluice admin unblock` */
export async function adminUnblock(queue: string, options: AdminOptions): Promise<void> {
  const answer = await askAdmin(options, "POST", "/queue/unblock", { queue })
  print(options, answer, ({ result, status, previousBlock }) =>
    result === "not-blocked"
      ? `it was not blocked: it is ${status}`
      : `unblocked, it is ${status}; it was blocked for ${blockText(previousBlock as Json)}`,
  )
}

/** `sluice admin delete` */
export async function adminDelete(queue: string, options: AdminOptions & { readonly yes?: true }): Promise<void> {
  if (options.yes !== true) {
    throw new OperatorError("a deleted queue does not come back, nor do its messages: say --yes if you mean it")
  }
  const answer = await askAdmin(options, "POST", "/queue/delete", { queue })
  print(options, answer, ({ messages }) => `deleted, with ${messages} messages`)
}

/** `sluice admin snapshot` */
export async function adminSnapshot(name: string | undefined, options: AdminOptions): Promise<void> {
  const answer = await askAdmin(options, "POST", "/snapshot", name === undefined ? {} : { name })
  print(options, answer, ({ folder }) => String(folder))
}

/** `sluice admin reload` */
export async function adminReload(options: AdminOptions): Promise<void> {
  print(options, await askAdmin(options, "POST", "/certificates/reload"), () => "the certificates were reloaded")
}

/** `sluice admin drain` */
export async function adminDrain(options: AdminOptions): Promise<void> {
  const answer = await askAdmin(options, "POST", "/drain")
  print(
    options,
    answer,
    ({ sessions }) => `${sessions} sessions are being ended; the process goes on until it is stopped`,
  )
}

/** `sluice admin restart` */
export async function adminRestart(options: AdminOptions): Promise<void> {
  const answer = await askAdmin(options, "POST", "/restart")
  print(options, answer, ({ processes }) => `${processes} relay processes are being restarted, one after the other`)
}

function print({ json }: AdminOptions, answer: Json, lines: (answer: Json) => string): void {
  if (json) printJson(answer)
  else printData(lines(answer))
}
