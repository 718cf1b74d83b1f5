// Writes deploy/grafana/dashboards: `node tools/dashboards/main.ts`. A test compares the files with this.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DASHBOARDS, dashboardText } from "./all.ts"

const folder = join(import.meta.dirname, "..", "..", "deploy", "grafana", "dashboards")
mkdirSync(folder, { recursive: true })
for (const dashboard of DASHBOARDS) writeFileSync(join(folder, `${dashboard.job}.json`), dashboardText(dashboard))
