import { expect, test } from "bun:test";
import {
  type ClientErrorStatus,
  type ErrorStatus,
  type InformationalStatus,
  isClientErrorStatus,
  isErrorStatus,
  isInformationalStatus,
  isRedirectStatus,
  isServerErrorStatus,
  isStatus,
  isSuccessfulStatus,
  type RedirectStatus,
  type ServerErrorStatus,
  STATUS_CODE,
  STATUS_TEXT,
  type StatusCode,
  type StatusText,
  type SuccessfulStatus,
} from "@std/http/status";

const CODES: number[] = Object.values(STATUS_CODE);
const NOT_CODES = [0, 99, 104, 306, 418.5, 499, 599, 600, -200, Number.NaN];

test("STATUS_CODE names each code once", () => {
  expect(STATUS_CODE.OK).toBe(200);
  expect(STATUS_CODE.NoContent).toBe(204);
  expect(STATUS_CODE.NotFound).toBe(404);
  expect(STATUS_CODE.InternalServerError).toBe(500);
  expect(CODES).toHaveLength(62);
  expect(new Set(CODES).size).toBe(CODES.length);
});

test("STATUS_TEXT has a text for every code and no other", () => {
  expect(STATUS_TEXT[STATUS_CODE.OK]).toBe("OK");
  expect(STATUS_TEXT[STATUS_CODE.NoContent]).toBe("No Content");
  expect(STATUS_TEXT[STATUS_CODE.NotFound]).toBe("Not Found");
  expect(STATUS_TEXT[STATUS_CODE.InternalServerError]).toBe("Internal Server Error");
  expect(STATUS_TEXT[STATUS_CODE.Teapot]).toBe("I'm a teapot");
  expect(Object.keys(STATUS_TEXT).map(Number)).toEqual(CODES);
});

test("STATUS_TEXT has the words of each name", () => {
  for (const [name, code] of Object.entries(STATUS_CODE)) {
    if (code === STATUS_CODE.Teapot) continue;
    expect(STATUS_TEXT[code].replaceAll(" ", "")).toBe(name);
  }
});

test("isStatus() knows the codes and nothing else", () => {
  expect(CODES.filter((code) => !isStatus(code))).toEqual([]);
  expect(NOT_CODES.filter(isStatus)).toEqual([]);
});

test("the guards divide the codes by their first digit", () => {
  const guards = [
    isInformationalStatus,
    isSuccessfulStatus,
    isRedirectStatus,
    isClientErrorStatus,
    isServerErrorStatus,
  ];
  for (const [index, guard] of guards.entries()) {
    expect<number[]>(CODES.filter((code) => guard(code))).toEqual(
      CODES.filter((code) => Math.floor(code / 100) === index + 1),
    );
    expect(NOT_CODES.filter((code) => guard(code))).toEqual([]);
  }
});

test("isErrorStatus() takes client and server errors alike", () => {
  expect<number[]>(CODES.filter((code) => isErrorStatus(code))).toEqual(
    CODES.filter((code) => code >= 400),
  );
  expect(NOT_CODES.filter(isErrorStatus)).toEqual([]);
});

test("the types hold the codes and texts themselves", () => {
  const informational: InformationalStatus = STATUS_CODE.EarlyHints;
  const successful: SuccessfulStatus = STATUS_CODE.IMUsed;
  const redirect: RedirectStatus = STATUS_CODE.PermanentRedirect;
  const client: ClientErrorStatus = STATUS_CODE.Teapot;
  const server: ServerErrorStatus = STATUS_CODE.BadGateway;
  const errors: ErrorStatus[] = [client, server];
  const codes: StatusCode[] = [informational, successful, redirect, ...errors];
  const text: StatusText = STATUS_TEXT[client];
  expect(codes).toEqual([103, 226, 308, 418, 502]);
  expect(text).toBe("I'm a teapot");

  // @ts-expect-error A success is no error.
  STATUS_CODE.OK satisfies ErrorStatus;
  // @ts-expect-error 306 is unused.
  306 satisfies StatusCode;

  const status: number = 404;
  if (isClientErrorStatus(status)) status satisfies ClientErrorStatus;
});
