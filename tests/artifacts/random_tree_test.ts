import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import {
  ArtifactCycleError,
  ArtifactHasChildrenError,
  ArtifactNotFoundError,
  type ArtifactTree,
  UnknownParentError,
} from "../../lib/mod.ts";
import { ulid } from "../../lib/storage/mod.ts";
import { SeededRandom } from "../jobs/crash/seeded_random.ts";
import { Bed, bytesOf } from "./bed.ts";

setDefaultTimeout(60_000);

const STEPS = 300;
const TAGS = ["red", "green", "blue"];

interface Node {
  parentId: string | null;
  /** Which of a few contents it has; null for JSON. */
  content: number | null;
  tags: string[];
}

/** What artifacts ought to be, in memory. */
class Model {
  readonly nodes = new Map<string, Node>();

  children(id: string | null): string[] {
    return [...this.nodes].filter(([, { parentId }]) => parentId === id).map(([id]) => id);
  }

  level(id: string): number {
    const parentId = this.nodes.get(id)?.parentId ?? null;
    return parentId === null ? 0 : this.level(parentId) + 1;
  }

  isAbove(id: string, under: string | null): boolean {
    for (let at = under; at !== null; at = this.nodes.get(at)?.parentId ?? null) {
      if (at === id) return true;
    }
    return false;
  }

  delete(id: string): void {
    for (const child of this.children(id)) this.delete(child);
    this.nodes.delete(id);
  }

  get contents(): number {
    return new Set([...this.nodes.values()].map(({ content }) => content).filter((c) => c !== null))
      .size;
  }
}

/** One run of random changes, each made to the model and to the artifacts. */
class Run {
  readonly #random: SeededRandom;
  readonly #bed: Bed;
  readonly #model = new Model();

  constructor(random: SeededRandom, bed: Bed) {
    this.#random = random;
    this.#bed = bed;
  }

  async step(): Promise<void> {
    const kind = this.#random.below(10);
    if (kind < 5) await this.#save();
    else if (kind < 8) await this.#update();
    else await this.#delete();
  }

  async #save(): Promise<void> {
    const node = { parentId: this.#parent(), content: this.#content(), tags: this.#tags() };
    const { nodes } = this.#model;
    const isUnknown = node.parentId !== null && !nodes.has(node.parentId);
    const id = ulid();
    const saved = this.#bed.artifacts.save({
      id,
      data: dataOf(node.content),
      tags: node.tags,
      parentId: node.parentId,
    });
    await expect(saved, isUnknown ? UnknownParentError : undefined);
    if (!isUnknown) nodes.set(id, node);
  }

  async #update(): Promise<void> {
    const id = this.#any();
    const { nodes } = this.#model;
    const node = nodes.get(id);
    const parentId = this.#random.oneIn(3) ? undefined : this.#parent();
    const content = this.#random.oneIn(2) ? undefined : this.#content();
    const tags = this.#random.oneIn(2) ? undefined : this.#tags();
    const failure = () => {
      if (node === undefined) return ArtifactNotFoundError;
      if (parentId === undefined || parentId === null) return undefined;
      if (!nodes.has(parentId)) return UnknownParentError;
      return parentId !== node.parentId && this.#model.isAbove(id, parentId)
        ? ArtifactCycleError
        : undefined;
    };
    const data = content === undefined ? undefined : dataOf(content);
    await expect(this.#bed.artifacts.update(id, { data, tags, parentId }), failure());
    if (failure() !== undefined || node === undefined) return;
    if (parentId !== undefined) node.parentId = parentId;
    if (content !== undefined) node.content = content;
    if (tags !== undefined) node.tags = tags;
  }

  async #delete(): Promise<void> {
    const id = this.#any();
    const recursive = this.#random.oneIn(2);
    const isMissing = !this.#model.nodes.has(id);
    const hasChildren = this.#model.children(id).length > 0;
    const failure = isMissing
      ? ArtifactNotFoundError
      : hasChildren && !recursive
        ? ArtifactHasChildrenError
        : undefined;
    await expect(this.#bed.artifacts.delete(id, { recursive }), failure);
    if (failure === undefined) this.#model.delete(id);
  }

  /** Compares all that can be read. */
  async compare(): Promise<void> {
    const { nodes } = this.#model;
    const listed = await this.#bed.artifacts.list({ limit: 1_000 });
    assertEquals(listed.map(({ id }) => id).sort(), [...nodes.keys()].sort());
    for (const { id, parentId, level, tags, size } of listed) {
      const node = nodes.get(id);
      assert(node !== undefined);
      const expected = [node.parentId, this.#model.level(id), node.tags, sizeOf(node.content)];
      assertEquals([parentId, level, tags, size], expected);
    }
    for (const root of this.#model.children(null)) {
      this.#compareTree(await this.#bed.artifacts.tree(root), root);
    }
    for (const tag of TAGS) {
      const tagged = [...nodes].filter(([, { tags }]) => tags.includes(tag)).map(([id]) => id);
      const found = await this.#bed.artifacts.list({ tags: [tag], limit: 1_000 });
      assertEquals(found.map(({ id }) => id).sort(), tagged.sort());
    }
    const { contents, chunks } = await this.#bed.stored();
    assertEquals(contents, Array(this.#model.contents).fill("stored"));
    assertEquals(chunks, this.#model.contents);
  }

  #compareTree(tree: ArtifactTree, id: string): void {
    assertEquals(tree.id, id);
    const children = this.#model.children(id).sort();
    assertEquals(
      tree.children.map((child) => child.id),
      children,
    );
    for (const child of tree.children) this.#compareTree(child, child.id);
  }

  /** Mostly an artifact that is there. */
  #any(): string {
    const ids = [...this.#model.nodes.keys()];
    if (ids.length === 0 || this.#random.oneIn(20)) return ulid();
    return ids[this.#random.below(ids.length)] ?? "";
  }

  #parent(): string | null {
    return this.#random.oneIn(5) ? null : this.#any();
  }

  #content(): number | null {
    return this.#random.oneIn(2) ? this.#random.below(4) : null;
  }

  #tags(): string[] {
    return TAGS.filter(() => this.#random.oneIn(2));
  }
}

function dataOf(content: number | null): unknown {
  return content === null ? { some: "data" } : bytesOf(10 + content);
}

function sizeOf(content: number | null): number | null {
  return content === null ? null : 10 + content;
}

async function expect(
  change: Promise<unknown>,
  failure: (new (...args: never[]) => Error) | undefined,
): Promise<void> {
  let thrown: unknown;
  try {
    await change;
  } catch (error) {
    thrown = error;
  }
  assertEquals(thrown?.constructor.name, failure?.name);
}

for (const seed of [1, 2, 3, 4]) {
  test(`random changes leave what a model in memory has, by seed ${seed}`, async () => {
    await using bed = new Bed();
    const run = new Run(new SeededRandom(seed), bed);
    for (let step = 1; step <= STEPS; step += 1) {
      await run.step();
      if (step % 25 === 0) await run.compare();
    }
  });
}
