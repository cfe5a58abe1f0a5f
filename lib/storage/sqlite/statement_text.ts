/** What only a statement's text can tell, since SQLite answers it too late or not at all. */

// White space, empty statements and comments. Each alternative begins with another
// character, so that a long text can't make the search slow.
const NOTHING = String.raw`(?:[\s;]|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*(?:\*/|$))*`;

const TRANSACTION_CONTROL = new RegExp(
  `^${NOTHING}(?:(?:begin|commit|end)\\b|rollback\\b(?!\\s+(?:transaction\\s+)?to\\b))`,
  "i",
);
const SETTING = new RegExp(`^${NOTHING}(?:pragma\\s[^;(]*=|(?:attach|detach)\\b)`, "i");
const FOREIGN_KEYS = new RegExp(`^${NOTHING}pragma\\s+(?:\\w+\\.)?foreign_keys\\s*[=(]`, "i");
const ONLY_NOTHING = new RegExp(`^${NOTHING}$`);
const PARAMETER = /\?\d*|[:@$#][\w$\u0080-\uffff]+/y;

/** Whether it begins or ends a transaction; a savepoint's statements don't. */
export function isTransactionControl(sql: string): boolean {
  return TRANSACTION_CONTROL.test(sql);
}

/** Whether it is of the kind that sets up the connection on which it runs. */
export function isSetting(sql: string): boolean {
  return SETTING.test(sql);
}

/** Whether it switches foreign keys, which SQLite ignores inside a transaction. */
export function setsForeignKeys(sql: string): boolean {
  return FOREIGN_KEYS.test(sql);
}

/** Whether it is worth asking for {@linkcode secondStatement}: cheap, and true for some text that has none. */
export function mayHoldSeveral(sql: string): boolean {
  return /;\s*\S/.test(sql);
}

/**
 * What follows the first statement in `sql`, comments left aside; undefined for nothing.
 *
 * @param first The first statement as SQLite gives it back (`sqlite3_expanded_sql`):
 * the same text with `NULL` for each parameter. So SQLite itself says where it
 * ends, whatever semicolons are in its strings, comments and trigger bodies.
 */
export function secondStatement(sql: string, first: string): string | undefined {
  let end = 0;
  for (let i = 0; i < first.length; ) {
    if (sql[end] === first[i]) {
      end += 1;
      i += 1;
      continue;
    }
    PARAMETER.lastIndex = end;
    const parameter = PARAMETER.exec(sql)?.[0];
    if (parameter === undefined) return undefined;
    end += parameter.length;
    i += "NULL".length;
  }
  const rest = sql.slice(end);
  return ONLY_NOTHING.test(rest) ? undefined : rest.trim();
}
