import type { VersionRange } from "@sluice/encoding/version"

/** Versions of the agent protocol that new links name (agent.md §1). */
export const AGENT_RANGE: VersionRange = { min: 2, max: 7 }

/** Versions of the end-to-end encryption that new invitations name (ratchet.md). */
export const E2E_RANGE: VersionRange = { min: 2, max: 3 }
