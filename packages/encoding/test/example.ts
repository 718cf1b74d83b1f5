import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"

interface Ticket {
  readonly id: Uint8Array
  readonly seats: readonly number[]
  readonly note?: string | undefined
}

export function encodeTicket(ticket: Ticket): Uint8Array {
  return new Writer()
    .short(ticket.id)
    .nonEmpty(ticket.seats, (w, seat) => w.u16(seat))
    .maybe(ticket.note, (w, note) => w.text(note))
    .finish()
}

/** Throws `DecodeError` on anything that `encodeTicket` cannot have written. `id` is a view on `bytes`. */
export function decodeTicket(bytes: Uint8Array): Ticket {
  const r = new Reader(bytes)
  const id = r.short("ticket id")
  const seats = r.nonEmpty((x) => x.u16("seat"), "seats")
  const note = r.maybe((x) => x.text("note"))
  r.end()
  return { id, seats, note }
}
