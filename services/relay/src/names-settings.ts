import { duration, flag, integer, secret, size, url } from "@sluice/ops/kinds"
import { OperatorError } from "@sluice/ops/operator-error"
import { Secret } from "@sluice/ops/secret"
import { type Group, group, optional, type Setting, setting } from "@sluice/ops/settings"

/** Resolution of names (RSLV), with the reference's defaults (relay-operations.md §3). */
export interface NamesConfig {
  readonly enabled: boolean
  readonly endpoint: string | undefined
  readonly auth: Secret | undefined
  /** Milliseconds. */
  readonly timeout: number
  readonly maxResponseBytes: number
  readonly concurrency: number
}

/** `[names]` */
export const namesSettings: Group<{ readonly [N in keyof NamesConfig]: Setting<NamesConfig[N]> }> = group(
  "Resolution of names to SimpleX addresses, by a resolver of yours that speaks HTTP.",
  {
    enabled: setting(flag(), { default: false, help: "Whether names are resolved; otherwise clients are told so." }),
    endpoint: optional(url(), {
      help: "Address of the resolver; names are asked for below it, as resolve/NAME.",
      example: "http://127.0.0.1:8000/",
    }),
    auth: optional(
      secret({
        pattern: /^(bearer [\x21-\x7e]+|basic [^:\s]+:\S+)$/,
        allowed: "bearer TOKEN, or basic USER:PASSWORD",
      }),
      { help: "How the relay proves itself to the resolver; only with https, or on this machine." },
    ),
    timeout: setting(duration({ min: "100ms", max: "60s" }), { default: "3s", help: "Time for one answer." }),
    maxResponseBytes: setting(size({ min: "1024B", max: "16000B" }), {
      default: "16000B",
      help: "Longest answer of the resolver that is passed on.",
    }),
    concurrency: setting(integer({ min: 1, max: 100_000 }), {
      default: 1000,
      help: "Names that are resolved at the same time, one connection to the resolver each; more are refused.",
    }),
  },
)

/** What the resolver's client works with; `undefined` when names are not resolved. */
export interface NamesOptions {
  /** Ends without a slash. */
  readonly endpoint: string
  /** Value of the `authorization` header. */
  readonly authorization?: Secret
  readonly timeout: number
  readonly maxResponseBytes: number
  readonly concurrency: number
}

/** Checks settings that are fine by themselves against each other. Throws `OperatorError`. */
export function namesOptions(config: NamesConfig): NamesOptions | undefined {
  const { enabled, endpoint, auth, timeout, maxResponseBytes, concurrency } = config
  if (!enabled) return undefined
  if (endpoint === undefined) {
    throw new OperatorError("names.endpoint is not set; allowed: the address of a resolver, or names.enabled = false")
  }
  const { protocol, hostname, search, hash } = new URL(endpoint)
  if (search !== "" || hash !== "") throw new OperatorError("names.endpoint: allowed: an address without ? and #")
  if (auth !== undefined && protocol === "http:" && !isLoopback(hostname)) {
    throw new OperatorError(
      "names.auth: would be readable on the way; allowed: with an https endpoint, or a loopback one",
    )
  }
  return {
    endpoint: endpoint.replace(/\/+$/, ""),
    ...(auth !== undefined && { authorization: authorization(auth) }),
    timeout,
    maxResponseBytes,
    concurrency,
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname)
}

function authorization(auth: Secret): Secret {
  const [scheme = "", credentials = ""] = auth.reveal().split(" ", 2)
  const value = scheme === "basic" ? `Basic ${Buffer.from(credentials).toString("base64")}` : `Bearer ${credentials}`
  return new Secret(value)
}
