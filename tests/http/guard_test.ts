import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Guard,
  HttpProblem,
  type Principal,
  PublicPaths,
  Router,
} from "../../lib/http/mod.ts";

const ADA: Principal = { name: "ada", scopes: ["books:read", "books:write:one"] };

/** Lets in who sends `x-name: ada`, at once or later. */
function guard({ later = false, publicPaths = [] as string[] } = {}): Guard {
  const identify = ({ headers }: Request) => {
    if (headers.get("x-name") === "ada") return ADA;
    throw new HttpProblem(401, "unauthenticated", { detail: "Who are you?" });
  };
  return {
    publicPaths: new PublicPaths(publicPaths),
    identify: later ? async (request) => identify(request) : identify,
  };
}

function books(options: Parameters<typeof guard>[0] = {}): Router {
  const router = new Router({ guard: guard(options), basePath: "/tools" });
  router.add("GET", "/books", ({ principal }) => Response.json(principal), { scope: "books:read" });
  router.add("PUT", "/books/{name}", ({ principal }) => Response.json(principal), {
    scope: ({ name }) => `books:write:${name}`,
  });
  router.add("DELETE", "/books/{name}", () => new Response("gone"), { scope: "books:delete" });
  router.add("GET", "/any", ({ principal }) => Response.json(principal));
  router.add("GET", "/open", ({ principal }) => Response.json(principal), {
    open: true,
    scope: "books:none",
  });
  router.mount("/shop", () => new Response("the shop"), { scope: "shop:read" });
  router.mount("/yard", () => new Response("the yard"));
  return router;
}

async function send(
  router: Router,
  path: string,
  { method = "GET", name = "ada", ...headers }: Record<string, string> = {},
): Promise<string> {
  const response = await router.fetch(
    new Request(`http://localhost${path}`, { method, headers: { ...headers, "x-name": name } }),
  );
  const text = await response.text();
  const type = /error:([a-z-]+)/.exec(text)?.[1];
  return `${response.status} ${type ?? text}`;
}

for (const later of [false, true]) {
  const when = later ? "later" : "at once";

  test(`a guard that answers ${when} comes before routes, methods and cross-site checks`, async () => {
    const router = books({ later });
    for (const path of [
      "/books",
      "/books/one",
      "/any",
      "/shop/x",
      "/yard",
      "/nowhere",
      "/tools/any",
    ]) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS", "PATCH"]) {
        for (const origin of ["http://localhost", "https://evil.example"]) {
          const answer = await send(router, path, { method, origin, name: "eve" });
          assertEquals(answer, "401 unauthenticated", `${method} ${path} from ${origin}`);
        }
      }
    }
  });

  test(`a guard that answers ${when} tells handlers who asks`, async () => {
    const router = books({ later });
    for (const path of ["/books", "/any", "/open", "/tools/books"]) {
      assertEquals(await send(router, path), `200 ${JSON.stringify(ADA)}`, path);
    }
    assertEquals(await send(router, "/open", { name: "eve" }), "200 null");
  });

  test(`who is let in ${when} does what the scopes allow, by what is in the path`, async () => {
    const router = books({ later });
    for (const [method, path, answer] of [
      ["PUT", "/books/one", `200 ${JSON.stringify(ADA)}`],
      ["PUT", "/books/%6fne", `200 ${JSON.stringify(ADA)}`],
      ["PUT", "/books/two", "403 insufficient-scope"],
      ["PUT", "/books/one%2ftwo", "403 insufficient-scope"],
      ["DELETE", "/books/one", "403 insufficient-scope"],
      ["PATCH", "/books/one", "405 method-not-allowed"],
      ["GET", "/yard", "200 the yard"],
      ["GET", "/shop", "403 insufficient-scope"],
      ["GET", "/shop/x", "403 insufficient-scope"],
      ["GET", "/nowhere", "404 not-found"],
    ] as const) {
      assertEquals(await send(router, path, { method }), answer, `${method} ${path}`);
    }
    const origin = "https://evil.example";
    const crossSite = await send(router, "/books/one", { method: "PUT", origin });
    assertEquals(crossSite, "403 cross-site-request");
  });

  test(`public paths take nobody for an answer, ${when}, and know who asks all the same`, async () => {
    const router = books({ later, publicPaths: ["/books", "/shop/*"] });
    assertEquals(await send(router, "/books", { name: "eve" }), "200 null");
    assertEquals(await send(router, "/tools/books", { name: "eve" }), "200 null");
    assertEquals(await send(router, "/books"), `200 ${JSON.stringify(ADA)}`);
    assertEquals(
      await send(router, "/books", { name: "eve", method: "POST" }),
      "405 method-not-allowed",
    );
    assertEquals(await send(router, "/shop/x", { name: "eve" }), "200 the shop");
    assertEquals(await send(router, "/tools/shop/x", { name: "eve" }), "200 the shop");
    assertEquals(await send(router, "/shop", { name: "eve" }), "401 unauthenticated");
    assertEquals(await send(router, "/shop/..%2fyard", { name: "eve" }), "401 unauthenticated");
    assertEquals(await send(router, "/books/one", { name: "eve" }), "401 unauthenticated");
  });
}

test("insufficient-scope names the scope in WWW-Authenticate where a header can hold it", async () => {
  const router = books();
  const challenge = async (name: string) => {
    const request = new Request(`http://localhost/books/${name}`, {
      method: "PUT",
      headers: { "x-name": "ada" },
    });
    const response = await router.fetch(request);
    assertEquals(response.status, 403);
    return response.headers.get("www-authenticate");
  };
  const bare = 'Bearer realm="taskmount", error="insufficient_scope"';
  assertEquals(await challenge("two"), `${bare}, scope="books:write:two"`);
  for (const name of [
    "a%22,b",
    "a%0d%0aset-cookie:x",
    "%c3%a4",
    "a%5cb",
    "a%20b",
    "a".repeat(300),
  ]) {
    assertEquals(await challenge(name), bare, name);
  }
});

test("a guard that fails by mistake lets nobody in, not where it is open either", async () => {
  const told: unknown[] = [];
  const mistake = new Error("a mistake");
  const router = new Router({
    guard: {
      publicPaths: new PublicPaths(["/public"]),
      identify: () => {
        throw mistake;
      },
    },
    onError: (error) => told.push(error),
  });
  router.add("GET", "/public", () => new Response("public"));
  router.add("GET", "/any", () => new Response("any"));
  assertEquals(await send(router, "/any"), "500 internal-error");
  assertEquals(await send(router, "/public"), "500 internal-error");
  assertEquals(told, [mistake, mistake]);
});

test("include() takes the scopes of routes over, and refuses a router with a guard of its own", async () => {
  const inner = new Router();
  inner.add("GET", "/inner", () => new Response("inner"), { scope: "inner:read" });
  inner.add("GET", "/inner/open", () => new Response("open"), { open: true });
  const outer = new Router({ guard: guard() }).include(inner);
  assertEquals(await send(outer, "/inner"), "403 insufficient-scope");
  assertEquals(await send(outer, "/inner/open", { name: "eve" }), "200 open");
  assert(outer.isGuarded && !inner.isGuarded);
  assertThrows(
    () => new Router().include(books()),
    TypeError,
    "Cannot include a router that asks for keys itself",
  );
});

test("the same handler may be mounted under two scopes", async () => {
  const handler = () => new Response("handled");
  const router = new Router({ guard: guard() })
    .mount("/a", handler, { scope: "books:read" })
    .mount("/b", handler, { scope: "books:none" });
  assertEquals(await send(router, "/a"), "200 handled");
  assertEquals(await send(router, "/b"), "403 insufficient-scope");
});

test("without a guard scopes are not looked at, and nobody asks", async () => {
  const router = new Router();
  router.add("GET", "/a", ({ principal }) => Response.json(principal), { scope: "books:read" });
  router.mount("/b", () => new Response("b"), { scope: "books:read" });
  assertEquals(await send(router, "/a"), "200 null");
  assertEquals(await send(router, "/b"), "200 b");
});
