import { expect, test } from "vitest";
import { aGroup } from "../../../tests/fake/make";
import { groupSection, pointValues, sweepWords } from "./groups.svelte";
import { HEAD, Layout, ROW, SUBHEAD } from "./layout";

const source = (active: number, waiting: number, finished: number) => ({ count: (section: "active" | "waiting" | "finished") => ({ active, waiting, finished })[section] });

test("heads, groups and rows stand one below the other", () => {
  const sweep = aGroup("lr", { running: 1, queued: 2 }, { sweep: { axes: [{ key: "lr", values: ["1", "2", "3"] }] } });
  const list = source(2, 0, 100_000);
  const members = source(1, 2, 0);
  const layout = new Layout(
    [
      { section: "active", total: 3, groups: [sweep, aGroup("other", { paused: 1 })] },
      { section: "waiting", total: 0, groups: [] },
      { section: "finished", total: 100_000, groups: [] },
    ],
    list,
    new Map([["lr", members]]),
  );
  expect(layout.blocks.map((it) => `${it.kind} ${it.count}`)).toEqual(["head 1", "group 1", "members 1", "rows 1", "rows 2", "group 1", "rows 2", "head 1", "rows 100000"]);
  expect(layout.length).toBe(100_010);
  expect(layout.height).toBe(HEAD * 2 + SUBHEAD + ROW * (100_000 + 7));

  // Every place is where its pixel says, and the other way round.
  for (const place of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 50_000, 100_009]) {
    expect(layout.placeAt(layout.topOf(place)), `place ${place}`).toBe(place);
    expect(layout.placeAt(layout.topOf(place) + layout.heightOf(place) - 1), `end of place ${place}`).toBe(place);
  }
  expect(layout.at(5)).toMatchObject({ block: { kind: "rows", of: "waiting", group: { name: "lr" } }, index: 1 });
  expect(layout.at(100_010)).toBeNull();
  expect(layout.at(-1)).toBeNull();
  expect(layout.placeAt(1e9)).toBe(100_009);
  expect(layout.rowsOf(list, "finished")?.place).toBe(10);
});

test("an empty list has no lines", () => {
  const layout = new Layout([{ section: "active", total: 0, groups: [] }], source(0, 0, 0), new Map());
  expect([layout.length, layout.height, layout.at(0)]).toEqual([0, 0, null]);
});

test("a group stands with its liveliest member", () => {
  expect(groupSection(aGroup("g", { completed: 5, queued: 1, paused: 1 }).counts)).toBe("active");
  expect(groupSection(aGroup("g", { completed: 5, pending: 1 }).counts)).toBe("waiting");
  expect(groupSection(aGroup("g", { completed: 5, failed: 1 }).counts)).toBe("finished");
});

test("a sweep says what it is over", () => {
  const axes = [{ key: "lr", values: ["1e-3", "1e-4", "3e-4"] }, { key: "seed", values: ["1", "2"] }];
  expect(sweepWords(aGroup("g"))).toBe("");
  expect(sweepWords(aGroup("g", {}, { sweep: { axes } }))).toBe("lr × 3, seed × 2");
  expect(sweepWords(aGroup("g", {}, { sweep: { axes, mode: { kind: "random", count: 4, seed: 1 } } }))).toBe("lr × 3, seed × 2, 4 at random");
});

test.each([
  [["lr", "seed"], "vit lr=3e-4 seed=2", "", ["3e-4", "2"]],
  [["optim.lr", "seed"], "vit lr=3e-4,seed=2", "", ["3e-4", "2"]],
  [["optim.lr"], "vit optim.lr=3e-4", "", ["3e-4"]],
  [["lr", "model"], "vit 4", "python train.py --lr 1e-3 --model 'resnet 50'", ["1e-3", "resnet 50"]],
  [["batch_size"], "vit", "train --batch-size 64", ["64"]],
  [["lr"], "solar=4", "", [""]],
])("the values of %s in “%s”", (keys, name, command, values) => expect(pointValues(keys, name, command)).toEqual(values));
