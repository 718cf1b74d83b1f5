import { ADD_TO_COUNTS } from "@sluice/redis/add-to-counts"
import { PROBE } from "@sluice/redis/probe"
import type { Script } from "@sluice/redis/script"
import * as blobScripts from "./blob-scripts.ts"
import * as indexScripts from "./index-scripts.ts"
import * as messageScripts from "./message-scripts.ts"
import * as notifierScripts from "./notifier-scripts.ts"
import * as queueScripts from "./queue-scripts.ts"

/** What servers are given when they are connected to. */
export const ALL_SCRIPTS: readonly Script[] = [
  ...Object.values(messageScripts),
  ...Object.values(queueScripts),
  ...Object.values(notifierScripts),
  ...Object.values(indexScripts),
  ...Object.values(blobScripts),
  ...[ADD_TO_COUNTS, PROBE],
]
