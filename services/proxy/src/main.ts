import { readEnv } from "@sluice/ops/env"
import { main } from "@sluice/ops/main"
import { proxyProgram } from "./program.ts"

main(() => proxyProgram({ env: readEnv() }))
