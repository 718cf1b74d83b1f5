// Settings that every service has.

import { TOKEN_RULES } from "./bearer-token.ts"
import { choice, duration, listenAddress, port, secret } from "./kinds.ts"
import { LOG_LEVELS, type LogLevel } from "./log.ts"
import type { Secret } from "./secret.ts"
import { type Group, group, optional, type Setting, setting } from "./settings.ts"

/** `[log]` */
export const logSettings: Group<{
  readonly level: Setting<LogLevel>
  readonly format: Setting<"auto" | "json" | "pretty">
}> = group("What is logged, to standard error.", {
  level: setting(choice(...LOG_LEVELS), {
    default: "info",
    help: "How much is logged. Only debug names clients. Reloaded on SIGHUP.",
  }),
  format: setting(choice("auto", "json", "pretty"), {
    default: "auto",
    help: "How lines look; auto is pretty on a terminal and JSON elsewhere.",
  }),
})

/**
 * `[admin]`
 * @param defaultPort differs between services so that all of them can run on one machine
 */
export function adminSettings(defaultPort: number): Group<{
  readonly bind: Setting<string>
  readonly port: Setting<number>
  readonly token: Setting<Secret | undefined>
}> {
  return group("The HTTP server for operators: /metrics, /healthz, /readyz. Keep it private, it has no TLS.", {
    bind: setting(listenAddress(), { default: "127.0.0.1", help: "Address of this machine to listen on." }),
    port: setting(port(), { default: defaultPort, help: "TCP port; 0 takes a free one." }),
    token: optional(secret(TOKEN_RULES), {
      help: "Bearer token of the routes below /admin; without it there are none.",
    }),
  })
}

/** `[shutdown]` */
export const shutdownSettings: Group<{ readonly grace: Setting<number> }> = group("How the process ends.", {
  grace: setting(duration({ min: "0s", max: "1h" }), {
    default: "20s",
    help: "Time to finish what was begun after SIGTERM; what then remains is dropped.",
  }),
})
