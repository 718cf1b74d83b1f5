import { idKey } from "@sluice/encoding/bytes"
import type { ServiceRecord } from "@sluice/queue-store/records"
import type { RecordSink } from "./import-options.ts"
import type { ImportWork } from "./import-work.ts"

/** Services that are written together. */
const BATCH = 64

/** Writes the services of a store log, and knows which there are. */
export class ServiceImport {
  readonly #work: ImportWork
  readonly #sink: RecordSink
  readonly #file: string
  /** Fingerprint by service ID, and the other way round. */
  readonly #fingerprints = new Map<string, string>()
  readonly #ids = new Map<string, string>()
  #waiting: { readonly service: ServiceRecord; readonly line: number }[] = []

  constructor(work: ImportWork, sink: RecordSink, file: string) {
    this.#work = work
    this.#sink = sink
    this.#file = file
  }

  /** Whether queues can be associated with the service. Complete only after the last {@link flush}. */
  has(serviceId: Uint8Array): boolean {
    return this.#fingerprints.has(idKey(serviceId))
  }

  add(service: ServiceRecord, line: number): void {
    const id = idKey(service.serviceId)
    const fingerprint = idKey(service.fingerprint)
    const known = this.#fingerprints.get(id)
    const owner = this.#ids.get(fingerprint)
    if (known === fingerprint) return
    if (known !== undefined) {
      this.#work.skip(this.#file, line, "its service ID belongs to another certificate")
    } else if (owner !== undefined) {
      this.#work.skip(this.#file, line, "its certificate belongs to a service with another ID")
    } else {
      this.#fingerprints.set(id, fingerprint)
      this.#ids.set(fingerprint, id)
      this.#waiting.push({ service, line })
    }
  }

  /** Writes what was added. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH)
      this.#waiting = this.#waiting.slice(BATCH)
      const { conflicts } = await this.#sink.importServices(batch.map(({ service }) => service))
      const refused = new Set(conflicts.map(idKey))
      for (const { service, line } of batch) {
        if (!refused.has(idKey(service.serviceId))) this.#work.counts.services++
        else this.#refuse(service, line)
      }
    }
  }

  #refuse(service: ServiceRecord, line: number): void {
    this.#fingerprints.delete(idKey(service.serviceId))
    this.#work.skip(this.#file, line, "its certificate belongs to another service of the store")
  }
}
