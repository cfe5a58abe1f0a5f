import { Database } from "../../lib/storage/mod.ts";

/** Counts the sessions that are open, of all databases. */
export class OpenSessions implements Disposable {
  readonly #openSession = Database.prototype.session;
  #count = 0;

  constructor() {
    const open = this.#openSession;
    const begin = () => {
      this.#count += 1;
    };
    const end = () => {
      this.#count -= 1;
    };
    Database.prototype.session = function (this: Database) {
      const session = open.call(this);
      begin();
      const dispose = session[Symbol.dispose];
      session[Symbol.dispose] = () => {
        end();
        dispose.call(session);
        session[Symbol.dispose] = () => {};
      };
      return session;
    };
  }

  get count(): number {
    return this.#count;
  }

  [Symbol.dispose](): void {
    Database.prototype.session = this.#openSession;
  }
}
