import { expect, it } from "vitest"
import { TestDevice, TestNotifications, testToken } from "../support/notifications.ts"

it("lets a connection register so many device tokens in a minute, and no more", async () => {
  await using ntf = await TestNotifications.start({
    store: "memory",
    settings: { "notifications.registrations_per_minute": 3 },
  })
  const connection = await ntf.connect()
  const device = await TestDevice.register(connection)
  const push = await ntf.push.next()
  await connection.replaceToken(device.access, testToken("efgh"))
  await connection.registerToken(testToken("efgh"), device.keys)
  for (const attempt of [
    () => TestDevice.register(connection),
    () => connection.registerToken(testToken("efgh"), device.keys),
    () => connection.replaceToken(device.access, testToken("ijkl")),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ answer: { type: "QUOTA" } })
  }
  // What is registered is served as before, and other connections are not concerned.
  expect(push.device).toBe("abcd")
  expect(await connection.checkToken(device.access)).toMatchObject({ type: expect.any(String) })
  await TestDevice.register(await ntf.connect())
  expect(await ntf.store.counts()).toMatchObject({ tokens: 2 })
  expect(await ntf.metrics()).toContain("sluice_notifications_registrations_refused_total 3")
})
