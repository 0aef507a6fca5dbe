import { expect, test } from "vitest";

import { Newest } from "./newest";

/** Calls that end when the test says so. */
function held<Q>() {
  const open: { question: Q; done: (answer: string) => void; fail: (thrown: unknown) => void }[] = [];
  return { open, ask: (question: Q) => new Promise<string>((done, fail) => open.push({ question, done, fail })) };
}
const turn = () => new Promise((done) => setTimeout(done, 0));

test("one question at a time; of those that come meanwhile only the newest is asked", async () => {
  const { open, ask } = held<number>();
  const taken: string[] = [];
  const newest = new Newest<number, string>(ask, (answer, question, old) => taken.push(`${question}${answer}${old ? " old" : ""}`));
  for (const question of [1, 2, 3, 4]) newest.want(question);
  expect(open.map((it) => it.question)).toEqual([1]);
  open[0]!.done("a");
  await turn();
  expect(open.map((it) => it.question)).toEqual([1, 4]);
  open[1]!.done("b");
  await turn();
  expect(taken).toEqual(["1a old", "4b"]);
  expect(newest.busy).toBe(false);
});

test("what was dropped is not taken, and a failure does not end it", async () => {
  const { open, ask } = held<number>();
  const taken: string[] = [];
  const failed: number[] = [];
  const newest = new Newest<number, string>(ask, (answer) => taken.push(answer), (_, question) => failed.push(question));
  newest.want(1);
  newest.drop();
  open[0]!.done("late");
  await turn();
  newest.want(2);
  open[1]!.fail(new Error("no"));
  await turn();
  newest.want(3);
  open[2]!.done("three");
  await turn();
  newest.want(4);
  newest.stop();
  open[3]!.done("gone");
  await turn();
  expect([taken, failed]).toEqual([["three"], [2]]);
});
