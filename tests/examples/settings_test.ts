import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { readSettings, SettingsError } from "../../examples/settings.ts";

const DEFAULTS = {
  hostname: "127.0.0.1",
  port: 8000,
  databaseUrl: ":memory:",
  allowShell: false,
};

test("readSettings() has a default for each, also where a variable is empty", () => {
  assertEquals(readSettings({}), DEFAULTS);
  assertEquals(readSettings({ HOST: "", PORT: "", DATABASE_URL: "", ALLOW_SHELL: "" }), DEFAULTS);
});

test("readSettings() reads HOST, PORT, DATABASE_URL and ALLOW_SHELL", () => {
  const environment = { HOST: "::1", PORT: "65535", DATABASE_URL: "app.db", ALLOW_SHELL: "1" };
  assertEquals(readSettings(environment), {
    hostname: "::1",
    port: 65_535,
    databaseUrl: "app.db",
    allowShell: true,
  });
});

test("readSettings() allows the shell for 1 alone", () => {
  for (const text of ["0", "true", "yes", " 1"]) {
    assertEquals(readSettings({ ALLOW_SHELL: text }).allowShell, false);
  }
});

test("readSettings() refuses a PORT that is no port", () => {
  for (const text of ["80a", "-1", "65536", "8000.5", "0x50", " 8000", "1e3"]) {
    assertThrows(
      () => readSettings({ PORT: text }),
      SettingsError,
      `Cannot use PORT="${text}": it must be a whole number from 0 to 65535`,
    );
  }
});
