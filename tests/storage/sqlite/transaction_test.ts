import { Database } from "bun:sqlite";
import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SessionClosedError } from "../../../lib/storage/mod.ts";
import { SqliteConnection } from "../../../lib/storage/sqlite/connection.ts";
import { OpenTransaction } from "../../../lib/storage/sqlite/transaction.ts";
import { TemporaryFolder } from "../databases.ts";

test("commit() lets nothing in while its COMMIT waits, not even the time-out", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const connection = await SqliteConnection.open(path, { create: true, url: "sqlite:app.db" });
  connection.run("create table entries (text)");
  connection.run("begin immediate");
  const gate = Promise.withResolvers<void>();
  const released: string[] = [];
  const transaction = new OpenTransaction({
    connection,
    transactionTimeout: 0.01,
    commit: async () => {
      await gate.promise;
      connection.run("commit");
    },
    release: () => released.push("released"),
  });
  transaction.run((writer) => writer.run("insert into entries values ('kept')"));
  const committed = transaction.commit();
  assertThrows(
    () => transaction.run((writer) => writer.run("insert into entries values ('stray')")),
    SessionClosedError,
  );
  await assertRejects(() => transaction.commit(), SessionClosedError);
  transaction.rollback();
  transaction.abort(new Error("too late"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(released, []);
  gate.resolve();
  await committed;
  assertEquals(released, ["released"]);
  connection.close();
  using database = new Database(path);
  assertEquals(database.query("select text from entries").all(), [{ text: "kept" }]);
});

test("a transaction frees its writer once, whatever ends it", async () => {
  await using folder = await TemporaryFolder.create();
  const connection = await SqliteConnection.open(folder.file("app.db"), {
    create: true,
    url: "sqlite:app.db",
  });
  const released: string[] = [];
  for (const end of ["commit", "rollback", "abort"]) {
    connection.run("begin immediate");
    const transaction = new OpenTransaction({
      connection,
      transactionTimeout: 10,
      commit: async () => connection.run("commit"),
      release: () => released.push(end),
    });
    if (end === "commit") await transaction.commit();
    if (end === "rollback") transaction.rollback();
    if (end === "abort") transaction.abort(new RangeError("aborted"));
    if (end === "abort") await assertRejects(() => transaction.lost, RangeError);
    transaction.rollback();
    transaction.abort(new Error("too late"));
    assertEquals(connection.inTransaction, false);
  }
  assertEquals(released, ["commit", "rollback", "abort"]);
  connection.close();
});
