import { expect, test } from "vitest";

import { FakeEngine } from "../../../tests/fake/engine";
import { aRun, FakeRuns } from "../../../tests/fake/runs";
import { App } from "../state/app.svelte";
import { aPanel, ChartsPage, nameOf, wholeQuery } from "./page.svelte";
import { effective, PLAIN } from "./spec";

async function pageOf(project = "") {
  const engine = new FakeEngine();
  const metrics = { "train/loss": [3, 2, 1], "val/acc": [0.1, 0.2], lr: [1, 1] };
  const runs = new FakeRuns(engine, Array.from({ length: 30 }, (_, i) => aRun(`r${i}`, { started: 1_000 * (30 - i), project: i % 2 === 0 ? "vit" : "unet" }, {}, metrics)));
  const app = new App(engine);
  await app.start();
  const page = new ChartsPage(app, project);
  const stop = page.follow();
  await expect.poll(() => page.newest !== null).toBe(true);
  return { engine, runs, app, page, stop };
}
const saved = (engine: FakeEngine) => expect.poll(() => engine.count("pages.save"), { timeout: 4_000 });

test("the newest runs are drawn; one that is hidden stays so, an older one is shown beside them", async () => {
  const { page, stop } = await pageOf();
  expect(page.drawn).toEqual(Array.from({ length: 10 }, (_, i) => `r${i}`));
  page.show(["r3"], false);
  expect(page.drawn).not.toContain("r3");
  page.show(["r20"], true);
  await expect.poll(() => page.drawn.includes("r20")).toBe(true);
  page.show(["r20"], false);
  expect(page.drawn).toHaveLength(9);
  page.show(["r3", "r20"], true);
  await expect.poll(() => page.drawn.length).toBe(11);
  page.only(["r7"]);
  await expect.poll(() => page.drawn.join()).toBe("r7");
  stop();
});

test("a project's page is about its runs, whatever else is asked for", async () => {
  const { page, stop } = await pageOf("vit");
  expect(page.total).toBe(15);
  expect(wholeQuery("vit distill", 'lr = 1 or lr = 2')).toBe('project = "vit distill" and (lr = 1 or lr = 2)');
  expect(wholeQuery("", "lr = 1")).toBe("lr = 1");
  stop();
});

test("changes are saved together, soon, and are there again", async () => {
  const { engine, app, page, stop } = await pageOf("vit");
  expect(await page.addAll()).toBe(3);
  page.change("metric lr", { columns: 12, title: "Rate" });
  page.fold("train", true);
  await saved(engine).toBe(1);
  expect(await page.addAll(), "each metric has one").toBe(0);
  stop();
  const again = new ChartsPage(app, "vit");
  const end = again.follow();
  await expect.poll(() => again.known).toBe(true);
  expect(again.page.panels.find((it) => it.id === "metric lr")).toMatchObject({ columns: 12, title: "Rate" });
  expect(again.page.sections).toEqual([{ name: "train", folded: true }, { name: "val", folded: false }, { name: "", folded: false }]);
  end();
});

test("what was changed elsewhere is not overwritten: theirs is taken, or mine is kept", async () => {
  const { engine, app, page, stop } = await pageOf();
  const other = new ChartsPage(app, "");
  const end = other.follow();
  await expect.poll(() => other.known).toBe(true);
  page.add([aPanel({ kind: "lines", ...PLAIN, keys: ["lr"] }, { id: "mine" })]);
  await saved(engine).toBe(1);
  other.add([aPanel({ kind: "lines", ...PLAIN, keys: ["val/acc"] }, { id: "theirs" })]);
  await expect.poll(() => other.conflict, { timeout: 4_000 }).toBe(true);
  await other.keepMine();
  expect([other.conflict, other.unsaved]).toEqual([false, false]);
  page.change("mine", { columns: 6 });
  await expect.poll(() => page.conflict, { timeout: 4_000 }).toBe(true);
  await page.load();
  expect(page.page.panels.map((it) => it.id)).toEqual(["theirs"]);
  stop();
  end();
});

test("a removed chart comes back where it was", async () => {
  const { app, page, stop } = await pageOf();
  await page.addAll();
  const [, second] = page.page.panels;
  page.remove([second!], nameOf(second!));
  expect(page.page.panels).toHaveLength(2);
  app.toasts.list.at(-1)?.action?.run();
  expect(page.page.panels[1]).toEqual(second);
  stop();
});

test("a chart keeps what it says itself, and takes the rest from the page", () => {
  const page = { ...PLAIN, y_scale: "log" as const, smoothing: { kind: "mean" as const, amount: 9 } };
  const own = { ...PLAIN, keys: ["loss"], x_scale: "symlog" as const, y_range: [0, 1] as [number, number] };
  expect(effective(own, ["x_scale"], page)).toEqual({ ...own, y_scale: "log", smoothing: page.smoothing });
  expect(effective(own, ["x_scale", "y_scale", "smoothing"], page)).toEqual(own);
});

test("sections are renamed, joined, moved and folded", async () => {
  const { page, stop } = await pageOf();
  await page.addAll();
  const names = () => page.page.sections.map((it) => it.name).join();
  expect(names()).toBe("train,val,");
  page.moveSection("val", -1);
  expect(names()).toBe("val,train,");
  page.rename("train", "Training");
  expect(names()).toBe("val,Training,");
  page.rename("Training", "val");
  expect(names()).toBe("val,");
  expect(page.page.panels.filter((it) => it.section === "val")).toHaveLength(2);
  page.move("metric lr", "val", page.page.panels[0]!.id);
  expect(names(), "a section without charts is none").toBe("val");
  expect(page.order[0]).toBe("metric lr");
  stop();
});

test("panels are called by what they show", () => {
  expect(nameOf({ title: null, chart: { kind: "lines", ...PLAIN, keys: ["a", "b"] } })).toBe("a, b");
  expect(nameOf({ title: " ", chart: { kind: "scatter", x: "config.lr", y: "metrics.loss.min", colour: null, x_scale: "log", y_scale: "linear", front: null } })).toBe("loss.min over lr");
  expect(nameOf({ title: "Mine", chart: { kind: "importance", target: "metrics.loss.last", columns: [] } })).toBe("Mine");
});
