import type { Program } from "@sluice/ops/lifecycle"
import { locateConfig } from "@sluice/ops/locate-config"
import { type ProgramOptions, serviceProgram } from "@sluice/ops/service-program"
import { FOREIGN_SECTIONS, proxyServerSettings } from "./config.ts"
import { createProxyServer } from "./proxy-server.ts"

/** The proxy as a program. Throws `OperatorError` for settings and certificates that cannot be used. */
export function proxyProgram(options: ProgramOptions): Promise<Program> {
  const locate = () => locateConfig(proxyServerSettings, FOREIGN_SECTIONS, options)
  return serviceProgram("proxy", options, locate, createProxyServer)
}
