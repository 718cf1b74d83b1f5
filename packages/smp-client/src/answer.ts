import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage, BrokerMessageTag, MessageOf } from "@sluice/smp-protocol/messages"
import { SmpClientError } from "./client-error.ts"
import type { CallOptions, CommandChannel, Outcome, Request } from "./request.ts"

/** The answer if it is one of those that the command allows; throws `SmpClientError` "ERR" or "UNEXPECTED". */
export function expectAnswer<T extends BrokerMessageTag>(
  command: CommandTag,
  answer: BrokerMessage,
  ...tags: readonly T[]
): MessageOf<T> {
  // the cast says what the test has just found; the compiler cannot narrow by a list
  if ((tags as readonly string[]).includes(answer.tag)) return answer as MessageOf<T>
  throw answer.tag === "ERR"
    ? new SmpClientError({ code: "ERR", command, error: answer.error, from: answerer(command, answer.error) })
    : new SmpClientError({ code: "UNEXPECTED", command, answer: answer.tag })
}

/** Sends one command and checks the kind of its answer. */
export async function ask<T extends BrokerMessageTag>(
  channel: CommandChannel,
  request: Request,
  call: CallOptions | undefined,
  ...tags: readonly T[]
): Promise<MessageOf<T>> {
  const [answer] = channel.send([request], call)
  if (answer === undefined) throw new TypeError("a channel answered fewer promises than it was given requests")
  return expectAnswer(request.command.tag, await answer, ...tags)
}

/** Sends many commands and turns every answer, or failure, into an outcome; in the order of the requests. */
export function askMany<T>(
  channel: CommandChannel,
  requests: readonly Request[],
  call: CallOptions | undefined,
  read: (answer: BrokerMessage, index: number) => T,
): Promise<Outcome<T>[]> {
  return Promise.all(
    channel.send(requests, call).map(async (answer, index): Promise<Outcome<T>> => {
      try {
        return { ok: true, value: read(await answer, index) }
      } catch (error) {
        return { ok: false, error }
      }
    }),
  )
}

/** What answers `PRXY` and `PFWD` is the proxy; what the relay says to it comes encrypted, or as a `PROXY` error. */
function answerer(command: CommandTag, error: SmpError): "server" | "proxy" {
  return command === "PRXY" || command === "PFWD" || error.type === "PROXY" ? "proxy" : "server"
}
