import { expect, test } from "bun:test";
import { assertInstanceOf } from "@std/assert";
import { failure } from "../failure.ts";

class Cat {
  lives = 9;
}
class Dog {}

test("assertInstanceOf() passes on instances of built-in, own and abstract classes", () => {
  abstract class Animal {}
  class Horse extends Animal {}
  assertInstanceOf(new Date(), Date);
  assertInstanceOf(Object(1), Number);
  assertInstanceOf(Promise.resolve(), Promise);
  assertInstanceOf(new Cat(), Cat);
  assertInstanceOf(new Horse(), Animal);
});

test("assertInstanceOf() names the class that it was", () => {
  const expected = 'Expected object to be an instance of "Cat" but was';
  expect(failure(() => assertInstanceOf(new Dog(), Cat))).toBe(`${expected} "Dog".`);
  expect(failure(() => assertInstanceOf(new Date(), Cat))).toBe(`${expected} "Date".`);
  expect(failure(() => assertInstanceOf({}, Cat))).toBe(`${expected} "Object".`);
  expect(failure(() => assertInstanceOf(Object.create(null), Cat))).toBe(`${expected} "Object".`);
});

test("assertInstanceOf() names the type of what is no object", () => {
  const expected = 'Expected object to be an instance of "Number" but was';
  expect(failure(() => assertInstanceOf(5, Number))).toBe(`${expected} "number".`);
  expect(failure(() => assertInstanceOf("5", Number))).toBe(`${expected} "string".`);
  expect(failure(() => assertInstanceOf(null, Number))).toBe(`${expected} "null".`);
  expect(failure(() => assertInstanceOf(undefined, Number))).toBe(`${expected} "undefined".`);
});

test("assertInstanceOf() fails on a function, were it the class itself", () => {
  const expected = 'Expected object to be an instance of "Cat" but was not an instanced object.';
  expect(failure(() => assertInstanceOf(Cat, Cat))).toBe(expected);
  expect(failure(() => assertInstanceOf(() => {}, Cat))).toBe(expected);
});

test("assertInstanceOf() does not repeat the name of another class that has the same", () => {
  const Other = class Cat {};
  expect(failure(() => assertInstanceOf(new Other(), Cat))).toBe(
    'Expected object to be an instance of "Cat".',
  );
});

test("assertInstanceOf() adds the message given", () => {
  expect(failure(() => assertInstanceOf(1, Cat, "the pet"))).toBe(
    'Expected object to be an instance of "Cat" but was "number": the pet',
  );
});

test("assertInstanceOf() narrows the type", () => {
  const value: unknown = new Cat();
  assertInstanceOf(value, Cat);
  expect(value.lives).toBe(9);

  const number: unknown = Object(5);
  assertInstanceOf(number, Number);
  // @ts-expect-error It is a Number, not a number.
  number satisfies number;
});
