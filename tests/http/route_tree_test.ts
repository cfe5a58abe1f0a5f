import { test } from "bun:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { RouteTree } from "../../lib/http/route_tree.ts";

/** What `find()` found, in short. */
function found(tree: RouteTree<string>, path: string): unknown {
  const target = tree.find(path);
  if (target === undefined || typeof target === "function") return target;
  return { ...Object.fromEntries(target.routes ?? []), ...target.parameters };
}

test("find() walks literals and parameters", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/", "root");
  tree.add("GET", "/tasks", "list");
  tree.add("POST", "/tasks", "create");
  tree.add("GET", "/tasks/{name}", "one");
  tree.add("POST", "/tasks/{name}/$execute", "execute");
  tree.add("GET", "/tasks/{name}/runs/{run}", "run");
  assertEquals(found(tree, "/"), { GET: "root" });
  assertEquals(found(tree, "/tasks"), { GET: "list", POST: "create" });
  assertEquals(found(tree, "/tasks/a"), { GET: "one", name: "a" });
  assertEquals(found(tree, "/tasks/a/$execute"), { POST: "execute", name: "a" });
  assertEquals(found(tree, "/tasks/a/runs/7"), { GET: "run", name: "a", run: "7" });
});

test("find() finds nothing beside its routes", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/tasks", "list");
  tree.add("POST", "/tasks/{name}/$execute", "execute");
  for (const path of [
    "/",
    "/other",
    "/tasks/",
    "/tasks//$execute",
    "//tasks",
    "/tasks/a/",
    "/task",
  ]) {
    assertEquals(found(tree, path), undefined, path);
  }
  // There are only deeper routes.
  assertEquals(found(tree, "/tasks/a"), undefined);
});

test("find() decodes segments one by one", () => {
  const tree = new RouteTree<string>();
  tree.add("POST", "/tasks/{name}/$execute", "execute");
  const cases: [string, string][] = [
    ["/tasks/%C3%A4/%24execute", "ä"],
    ["/%74asks/a%2Fb/$execute", "a/b"],
    ["/tasks/a%25b/$execute", "a%b"],
    ["/tasks/a+b/$execute", "a+b"],
    ["/tasks/__proto__/$execute", "__proto__"],
  ];
  for (const [path, name] of cases)
    assertEquals(found(tree, path), { POST: "execute", name }, path);
  for (const path of ["/tasks/%/$execute", "/tasks/%ZZ/$execute", "/tasks/%ED%A0%80/$execute"]) {
    assertEquals(found(tree, path), undefined, path);
  }
});

test("find() prefers a literal to a parameter", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/jobs/{id}", "one");
  tree.add("GET", "/jobs/$schema", "schema");
  assertEquals(found(tree, "/jobs/$schema"), { GET: "schema" });
  assertEquals(found(tree, "/jobs/1"), { GET: "one", id: "1" });
});

test("find() knows no names that every object inherits", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/a", "a");
  for (const path of ["/__proto__", "/constructor", "/toString", "/a/__proto__"]) {
    assertEquals(found(tree, path), undefined, path);
  }
});

test("find() gives what is mounted deepest, where there is no route", () => {
  const tree = new RouteTree<string>();
  const root = () => new Response("root");
  const docs = () => new Response("docs");
  tree.mount("/", root);
  tree.mount("/docs", docs);
  tree.add("GET", "/docs/own", "own");
  assertStrictEquals(tree.find("/elsewhere"), root);
  assertStrictEquals(tree.find("/docs"), docs);
  assertStrictEquals(tree.find("/docs/a/b"), docs);
  assertStrictEquals(tree.find("/docs/%"), docs);
  assertStrictEquals(tree.find("/docsx"), root);
  assertEquals(found(tree, "/docs/own"), { GET: "own" });
});

test("find() ends at the first segment that stands nowhere, however long the path", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/a/{b}", "b");
  assertEquals(tree.find(`/nowhere${"/x".repeat(1_000_000)}`), undefined);
  assertEquals(tree.find("/".repeat(1_000_000)), undefined);
});

test("add() refuses a route that is taken, and another name for its parameter", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/tasks/{name}", "one");
  assertThrows(
    () => tree.add("GET", "/tasks/{name}", "two"),
    TypeError,
    "Cannot add GET /tasks/{name} twice",
  );
  assertThrows(
    () => tree.add("PUT", "/tasks/{id}", "other"),
    TypeError,
    "Cannot call a segment of /tasks/{id} {id}: it is {name}",
  );
});

test("mount() refuses a prefix that is taken", () => {
  const tree = new RouteTree<string>();
  tree.mount("/docs", () => new Response());
  assertThrows(
    () => tree.mount("/docs", () => new Response()),
    TypeError,
    "Cannot mount /docs twice",
  );
});

test("add() and mount() refuse what is no path", () => {
  const tree = new RouteTree<string>();
  for (const pattern of ["", "a", "/a/", "//", "/a//b", "/a?b", "/a#b", "/a b", "http://a/b"]) {
    const message = `Cannot use "${pattern}" as a path: it is like "/api/v1/tasks"`;
    assertThrows(() => tree.add("GET", pattern, "x"), TypeError, message);
    assertThrows(() => tree.mount(pattern, () => new Response()), TypeError, message);
  }
});

test("find() finds the same again, also after more paths than it remembers, and what was added since", () => {
  const tree = new RouteTree<string>();
  tree.add("GET", "/items/{id}", "get");
  for (const _time of [1, 2]) {
    for (let id = 0; id < 2_500; id++) {
      const target = tree.find(`/items/${id}`);
      assert(typeof target === "object");
      assertEquals(target.parameters, { id: String(id) });
    }
  }
  tree.add("GET", "/items/7", "seven");
  const target = tree.find("/items/7");
  assert(typeof target === "object");
  assertEquals([...target.routes.values()], ["seven"]);
});
