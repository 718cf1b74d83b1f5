import type { AddressInfo } from "node:net"
import { networkInterfaces } from "node:os"
import { type Bind, formatBind } from "./bind.ts"
import { OperatorError } from "./operator-error.ts"

/** An address as HTTP servers take it. */
export interface ListenAt {
  readonly host: string
  readonly port: number
}

/**
 * Lets an HTTP server listen. Rejects with {@link OperatorError} when the address can't be used.
 * @param purpose what it is for, in words for operators, such as "metrics and health"
 */
export async function listenFor(
  purpose: string,
  bind: Bind,
  listen: (at: ListenAt) => Promise<unknown>,
): Promise<void> {
  try {
    await listen({ host: bind.host ?? everyAddress(), port: bind.port })
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
    throw new OperatorError(`cannot listen on ${formatBind(bind)} for ${purpose} (${code})`, { cause: error })
  }
}

/** Where an HTTP server listens, with the real port. Throws when it does not. */
export function addressOf(server: { address(): AddressInfo | string | null }): Bind {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the server is not listening")
  return { host: address.address, port: address.port }
}

/** The wildcard that takes IPv4 as well; where the machine has no IPv6 it does not exist. */
function everyAddress(): string {
  const all = Object.values(networkInterfaces()).flat()
  return all.some((address) => address?.family === "IPv6") ? "::" : "0.0.0.0"
}
