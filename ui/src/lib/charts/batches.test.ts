import { expect, test } from "vitest";

import { type Answered, Batches } from "./batches";

/** Calls that are answered when the test says so. */
function held(most: number, size: number) {
  const calls: { questions: readonly number[]; answer: (how?: (question: number) => Answered<string>) => Promise<void>; fail: () => Promise<void> }[] = [];
  const settle = () => new Promise<void>((done) => setTimeout(done));
  const batches = new Batches<number, string>(most, size, (questions) =>
    new Promise((resolve, reject) =>
      calls.push({
        questions,
        answer: (how = (it) => ({ answer: `answer ${it}` })) => {
          resolve(questions.map(how));
          return settle();
        },
        fail: () => {
          reject(new Error("gone"));
          return settle();
        },
      }),
    ),
  );
  return { batches, calls, settle };
}

test("what is asked together goes together, and what comes meanwhile waits", async () => {
  const { batches, calls, settle } = held(2, 3);
  const answers = [1, 2, 3, 4, 5, 6, 7].map((it) => batches.want(it, false));
  await settle();
  expect(calls.map((it) => it.questions)).toEqual([[1, 2, 3], [4, 5, 6]]);
  const late = batches.want(8, false);
  await calls[1]!.answer();
  expect(calls[2]!.questions).toEqual([7, 8]);
  await calls[0]!.answer();
  await calls[2]!.answer();
  expect(await Promise.all([...answers, late])).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((it) => `answer ${it}`));
});

test("what is urgent goes first and alone, and what is not wanted any more is not asked", async () => {
  const { batches, calls, settle } = held(1, 3);
  const first = batches.want(1, false);
  await settle();
  let wanted = true;
  const dropped = batches.want(2, false, () => wanted);
  const waits = batches.want(3, false);
  const urgent = batches.want(4, true);
  wanted = false;
  await calls[0]!.answer();
  expect(calls[1]!.questions).toEqual([4]);
  await calls[1]!.answer();
  expect(calls[2]!.questions).toEqual([3]);
  await calls[2]!.answer();
  expect(await Promise.all([first, dropped, waits, urgent])).toEqual(["answer 1", null, "answer 3", "answer 4"]);
});

test("one that fails fails alone; a call that fails takes its own with it and no others", async () => {
  const { batches, calls, settle } = held(1, 2);
  const results = [1, 2, 3, 4, 5].map((it) => batches.want(it, false).catch((thrown: Error) => thrown.message));
  await settle();
  await calls[0]!.answer((it) => (it === 1 ? { thrown: new Error("bad") } : { answer: "good" }));
  await calls[1]!.fail();
  await calls[2]!.answer();
  expect(await Promise.all(results)).toEqual(["bad", "good", "gone", "gone", "answer 5"]);
});
