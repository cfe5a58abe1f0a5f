import { test } from "bun:test";
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { runShell, ShellQuotingError, type ShellValue, shell } from "../../lib/shell/mod.ts";

const hostile = [
  "",
  " ",
  "it's",
  "''",
  "'; touch pwned; '",
  '"$(touch pwned)" `touch pwned` $HOME',
  "\\",
  "a\\'b",
  "line\nbreak\ttab\r",
  "-rf",
  "*?[a]{b,c}~!#&|<>",
  "ünï€😀",
];

test("shell hands every value over as exactly one word", async () => {
  for (const value of hostile) {
    const { stdout } = await runShell(shell`printf '%s.' ${value}`);
    assertEquals(stdout, `${value}.`);
  }
});

test("shell hands an array over as one word for each element", async () => {
  const { stdout } = await runShell(shell`printf '<%s>' ${hostile}`);
  assertEquals(stdout, hostile.map((word) => `<${word}>`).join(""));
});

test("shell makes no word of an empty array", async () => {
  const { stdout } = await runShell(shell`set -- ${[]}; echo $#`);
  assertEquals(stdout, "0\n");
});

test("shell quotes every value, also a plain one, and numbers", () => {
  assertEquals(shell`kill -${9} ${[1, "two"]} ${"a.txt"}`, "kill -'9' '1' 'two' 'a.txt'");
});

test("shell returns what stands between the values as it is written", () => {
  assertEquals(shell`find . -name '*\.ts' -exec rm {} \;`, "find . -name '*\\.ts' -exec rm {} \\;");
  assertEquals(shell`awk "{ print \$1 }" ${"f"}`, `awk "{ print \\$1 }" 'f'`);
  assertEquals(shell`printf '\\\\'`, "printf '\\\\\\\\'");
});

test("shell takes back the escapes that a template needs for backquotes and braces", async () => {
  const command = shell`X=; echo \${X:-unset} \`echo inner\` ${"value"}`;
  assertEquals(command, `X=; echo \${X:-unset} \`echo inner\` 'value'`);
  assertEquals((await runShell(command)).stdout, "unset inner value\n");
});

test("shell nests: a command made by it is a word of another", async () => {
  const inner = shell`printf '%s|' ${["it's", "$HOME"]}`;
  const { stdout } = await runShell(shell`sh -c ${inner}`);
  assertEquals(stdout, "it's|$HOME|");
});

test("shell refuses a NUL byte", () => {
  const error = assertThrows(() => shell`echo ${"fine"} ${"a\0b"}`, ShellQuotingError, "NUL byte");
  assertEquals(error.index, 1);
  assertEquals(error.name, "ShellQuotingError");
  assertInstanceOf(error, TypeError);
  assertThrows(() => shell`echo ${["a", "\0"]}`, ShellQuotingError, "NUL byte");
});

test("shell refuses what is no string, number or array of them", () => {
  const untyped = shell as (strings: TemplateStringsArray, ...values: unknown[]) => string;
  for (const value of [undefined, null, {}, true, [undefined], [["nested"]]]) {
    const error = assertThrows(() => untyped`rm -r /data/${value}`, ShellQuotingError);
    assertStringIncludes(error.message, "Cannot quote value 1");
  }
});

const value: ShellValue = "x";
const misplaced: [string, () => string][] = [
  ["single quotes", () => shell`sh -c 'echo ${value}'`],
  ["double quotes", () => shell`echo "${value}"`],
  ["double quotes", () => shell`echo "$(date) ${value}"`],
  ["double quotes", () => shell`echo "it's \" ${value}"`],
  ["double quotes", () => shell`echo "a" b"${value}"`],
  ["backquotes", () => shell`echo \`ls ${value}\``],
  ["backquotes", () => shell`echo "\`ls ${value}\`"`],
  ["comment", () => shell`ls # not ${value}`],
  ["comment", () => shell`ls; # isn't ${value}`],
  [
    "comment",
    () => shell`ls \
# ${value}`,
  ],
  [
    "here-document",
    () => shell`cat <<EOF
${value}
EOF`,
  ],
];

for (const [index, [place, make]] of misplaced.entries()) {
  test(`shell refuses a value where quoting can't protect it: ${place} (${index + 1})`, () => {
    assertThrows(make, ShellQuotingError, place);
  });
}

test("shell accepts a value wherever a bare word may stand", async () => {
  const word = "a 'b' $c";
  const commands = [
    shell`printf %s ${word}`,
    shell`printf %s "$(printf %s ${word})"`,
    shell`printf %s 'a 'b${""}"" >/dev/null; printf %s ${word}`,
    shell`printf %s "" \' >/dev/null; printf %s ${word}`,
    shell`# it's a comment
    printf %s ${word}`,
    shell`n=$((1 << 2))
    printf %s ${word}`,
    shell`a=$#; [ "$a" = 0 ] && echo a#b "#" >/dev/null && printf %s ${word}`,
    shell`case x in x) printf %s ${word};; esac`,
    shell`(printf %s ${word})`,
    shell`printf %s ${word}#${""} | tr -d '#'`,
    shell`v=${word}; printf %s "$v"`,
    shell`cat <<EOF | tr -d '\n' | cat ${["-"]}
a 'b' \$c
EOF`,
  ];
  for (const command of commands) assertEquals((await runShell(command)).stdout, word, command);
});

test("shell refuses a value in arithmetic, where the shell would expand it", () => {
  const value = "$(touch pwned)";
  assertThrows(() => shell`echo $(( ${value} + 1 ))`, ShellQuotingError, "$((...))");
  assertThrows(() => shell`echo $(( (1 + ${value}) ))`, ShellQuotingError);
  assertThrows(() => shell`echo "$(( ${value} ))"`, ShellQuotingError);
  assertEquals(shell`echo $(( $(echo ${"2"}) + 1 ))`, "echo $(( $(echo '2') + 1 ))");
});
