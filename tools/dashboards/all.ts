import { type Dashboard, renderDashboard } from "./dashboard.ts"
import { redisDashboard } from "./redis.ts"
import { relayDashboard } from "./relay.ts"
import { linksDashboard, notificationsDashboard, proxyDashboard } from "./services.ts"

/** Every dashboard; the file of each is named by its job. */
export const DASHBOARDS: readonly Dashboard[] = [
  relayDashboard,
  proxyDashboard,
  notificationsDashboard,
  linksDashboard,
  redisDashboard,
]

/** The text of a dashboard's file. */
export function dashboardText(dashboard: Dashboard): string {
  return `${JSON.stringify(renderDashboard(dashboard), undefined, 2)}\n`
}
