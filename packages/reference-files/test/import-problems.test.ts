import { describe, expect, it } from "vitest"
import { create, importTexts, link, message, notification, notifier, service, type Texts } from "./import-texts.ts"
import { idOf, keyOf, queueOf } from "./sample-queue.ts"

const recipientId = idOf("recipient", 1)
const unknown = idOf("recipient", 99)

describe("importRecords", () => {
  it.each<[string, Texts, string[]]>([
    [
      "an unreadable line",
      { log: ["FOO x", create(queueOf(1))] },
      ["store:1: not readable (base64url: invalid); left out"],
    ],
    ["an empty line", { log: ["", create(queueOf(1))] }, ["store:1: not readable (record: not as expected); left out"]],
    [
      "a last line that was cut off",
      { log: [create(queueOf(1)), "SECURE AAA"], end: "" },
      ["store:2: cut off at the end of the file; left out"],
    ],
    [
      "a last line without line feed",
      { log: [create(queueOf(1))], end: "" },
      ["store:1: the file ends without a line feed; the last record reads as whole and was taken"],
    ],
    [
      "a line that is too long",
      { log: [create(queueOf(1)), "x".repeat(300_000)] },
      ["store:2: longer than any record; left out"],
    ],
    [
      "a change of an unknown queue",
      { log: [create(queueOf(1)), { tag: "SUSPEND", recipientId: unknown }] },
      ["store:2: SUSPEND: it refers to a queue that is not in the log; left out"],
    ],
    [
      "a change of a deleted queue",
      {
        log: [
          create(queueOf(1)),
          create(queueOf(2)),
          { tag: "DELETE", recipientId: idOf("recipient", 2) },
          { tag: "SUSPEND", recipientId: idOf("recipient", 2) },
        ],
      },
      ["store:4: SUSPEND: it refers to a queue that was deleted before; left out"],
    ],
    [
      "a change that does not fit",
      {
        log: [
          create({ ...queueOf(1), senderKey: keyOf(1) }),
          { tag: "TIME", recipientId, updatedAt: 86_400 },
          { tag: "SECURE", recipientId, senderKey: keyOf(2) },
        ],
      },
      ["store:3: SECURE: the queue is secured with another key; left out"],
    ],
    [
      "a queue twice",
      { log: [create(queueOf(1)), create(queueOf(1))] },
      ["store:2: CREATE: its recipient ID belongs to an earlier queue; left out"],
    ],
    [
      "a sender ID twice, with its messages",
      { log: [create(queueOf(1)), create({ ...queueOf(2), senderId: idOf("sender", 1) })], messages: [message(2, 1)] },
      ["store:2: its sender ID belongs to an earlier queue; left out", "messages:1: its queue was not taken; left out"],
    ],
    [
      "a link ID twice",
      { log: [create({ ...queueOf(1), ...link(1) }), create({ ...queueOf(2), ...link(1) })] },
      ["store:2: its link ID belongs to an earlier queue; taken without link"],
    ],
    [
      "a notifier ID twice",
      { log: [create({ ...queueOf(1), notifier: notifier(1) }), create({ ...queueOf(2), notifier: notifier(1) })] },
      ["store:2: its notifier ID belongs to an earlier queue; taken without notifier"],
    ],
    [
      "services that are not there",
      {
        log: [
          create({
            ...queueOf(1),
            rcvServiceId: idOf("service", 1),
            notifier: { ...notifier(1), serviceId: idOf("service", 2) },
          }),
        ],
      },
      [
        "store:1: it is associated with a message service that is not in the log; taken without",
        "store:1: it is associated with a notification service that is not in the log; taken without",
      ],
    ],
    [
      "services with the ID or the certificate of another",
      {
        log: [
          create(queueOf(1)),
          service(1),
          service(1),
          service(2, { serviceId: idOf("service", 1) }),
          service(3, { fingerprint: new Uint8Array(32).fill(1) }),
        ],
      },
      [
        "store:4: its service ID belongs to another certificate; left out",
        "store:5: its certificate belongs to a service with another ID; left out",
      ],
    ],
    [
      "times that cannot be",
      {
        log: [
          create({ ...queueOf(1), updatedAt: -1 }),
          { tag: "TIME", recipientId, updatedAt: 2 ** 40 },
          service(2, { createdAt: -1 }),
        ],
      },
      [
        "store:2: TIME: the time is out of range; left out",
        "store:3: NEW_SERVICE: the time is out of range; left out",
        "store:1: its time of last use is out of range; taken without it",
      ],
    ],
    [
      "IDs that cannot be",
      {
        log: [
          create(queueOf(1)),
          create({ ...queueOf(2), recipientId: new Uint8Array(5) }),
          create({ ...queueOf(2), senderId: new Uint8Array(25) }),
          { tag: "NOTIFIER", recipientId, notifier: { ...notifier(1), notifierId: new Uint8Array(3) } },
          { tag: "LINK", recipientId, ...link(1), linkId: new Uint8Array(256) },
          { tag: "QUEUE_SERVICE", recipientId, kind: "messages", serviceId: new Uint8Array(1) },
          { tag: "KEYS", recipientId, recipientKeys: Array.from({ length: 256 }, (_, i) => keyOf(i)) },
        ],
      },
      [
        "store:2: CREATE: the recipient ID has not 24 bytes; left out",
        "store:3: CREATE: the sender ID has not 24 bytes; left out",
        "store:4: NOTIFIER: the notifier ID has not 24 bytes; left out",
        "store:5: LINK: the link ID is too long; left out",
        "store:6: QUEUE_SERVICE: the service ID has not 24 bytes; left out",
        "store:7: KEYS: too many recipient keys; left out",
      ],
    ],
    [
      "messages that cannot be taken",
      {
        log: [create(queueOf(1)), create(queueOf(2)), { tag: "DELETE", recipientId: idOf("recipient", 2) }],
        messages: [message(99, 1), message(2, 1), "v3 x", message(1, 1).replace(" 1 flags", " -1 flags")],
      },
      [
        "messages:1: it is for a queue that is not in the store log; left out",
        "messages:2: it is for a queue that is not in the store log; left out",
        "messages:3: not readable (base64url: invalid); left out",
        "messages:4: the time is out of range; left out",
      ],
    ],
    [
      "notifications that cannot be taken",
      {
        log: [create({ ...queueOf(1), notifier: notifier(1) })],
        notifications: [notification(2, 1), "v1", notification(1, 1).slice(0, -4)],
      },
      [
        "ntfs:1: it is for a notifier that no queue has; left out",
        "ntfs:2: not readable (notifier id: not as expected); left out",
        "ntfs:3: the metadata has not 144 bytes; left out",
      ],
    ],
  ])("reports %s, and takes the rest", async (_, texts, expected) => {
    const { store, summary, problems } = await importTexts(texts)
    expect(problems).toEqual(expected)
    expect(await store.queueByRecipient(recipientId)).toBeDefined()
    expect(summary.skipped).toBe(expected.filter((line) => line.endsWith("; left out")).length)
  })
})
