import { expect, test } from "vitest";
import { aDetail, anExperiment, GIB } from "../../../tests/fake/make";
import type { ExperimentDetail, Project } from "../bindings";
import { axisValues, durationText, Form, localText, plainField } from "./form.svelte";
import { timeLimit } from "../util/limit";

const PROJECTS: Project[] = [{ name: "vit", folder: "/home/user/vit", available: true, demo: false, suggestions: [] }];

function aForm(change: (form: Form) => void = () => {}): Form {
  const form = new Form(() => PROJECTS);
  form.begin({});
  form.command = "python3 train.py --lr 3e-4";
  change(form);
  return form;
}

function editing(detail: ExperimentDetail, mode: "edit" | "copy" = "edit"): Form {
  const form = new Form(() => PROJECTS);
  form.begin({ from: { mode, detail } });
  return form;
}

test("the least that is typed is all that is sent", () => {
  expect(aForm().experiment()).toEqual({ command: ["python3", "train.py", "--lr", "3e-4"], cwd: "/home/user/vit", project: "vit", priority: "normal" });
  expect(aForm((it) => (it.shell = true)).experiment()?.command).toBe("python3 train.py --lr 3e-4");
});

test("everything that is typed is sent", () => {
  const form = aForm((it) => {
    Object.assign(it, { name: " vit base ", group: "g", gpus: "2", gpuMemory: "40", gpuModel: "A100", exclusive: "no", cores: "8", memory: "64 GiB", disk: "10G", estimate: "2 h" });
    Object.assign(it, { after: [{ uid: "a", name: "a", status: "running", when: "success" }, { uid: "b", name: "b", status: "running", when: "any" }], waitForFailed: true, hold: true, window: "nights", notBefore: "2030-01-02T03:04" });
    Object.assign(it, { retries: "2", retryDelay: "1 min", retryReasons: ["lost"], limit: "90 min", grace: "30s", tags: "one, two,", notes: "why", key: "k" });
    it.variables = [{ name: "A", value: "1" }, { name: " ", value: "nothing" }];
  });
  expect(form.faults).toEqual({});
  expect(form.experiment()).toMatchObject({
    name: "vit base",
    group: "g",
    requirements: { gpus: 2, gpu_memory: 40 * GIB, gpu_model: "A100", gpu_exclusive: false, cpu_cores: 8, memory: 64 * GIB, disk: 10 * GIB, estimated_ms: 7_200_000 },
    after: [{ uid: "a" }, { uid: "b", when: "any" }],
    wait_for_failed: true,
    hold: true,
    window: "nights",
    not_before: new Date(2030, 0, 2, 3, 4).getTime(),
    retry: { limit: 2, delay_ms: 60_000, reasons: ["lost"] },
    time_limit_ms: 5_400_000,
    grace_ms: 30_000,
    set: { A: "1" },
    tags: ["one", "two"],
    notes: "why",
    key: "k",
  });
  expect(form.summary("needs")).toBe("2 × 40 GiB A100 · 8 cores · 64 GiB memory · 10 GiB disk · about 2 h");
  expect(form.summary("when")).toBe("held until you resume it · after 2 experiments · not before 2030-01-02 03:04 · in “nights”");
  expect(form.summary("failure")).toBe("2 retries · stopped after 1 h 30 min");
});

test("what asks for no GPU says nothing of GPUs", () => {
  expect(aForm((it) => Object.assign(it, { gpus: "0", gpuMemory: "40", exclusive: "yes" })).requirements).toEqual({});
});

test.each([
  ["gpus", { gpus: "two" }],
  ["gpuMemory", { gpus: "1", gpuMemory: "much" }],
  ["cores", { cores: "0" }],
  ["limit", { limit: "soon" }],
  ["retries", { retries: "-1" }],
  ["variables", { variables: [{ name: "1A", value: "" }] }],
  ["axes", { axes: [{ key: "lr", values: " " }] }],
  ["command", { command: "echo 'open" }],
])("a fault in %s stands at its field and nothing is queued", (field, change) => {
  const form = aForm((it) => Object.assign(it, change));
  expect(Object.keys(form.faults)).toEqual([field]);
  expect(form.ready).toBe(false);
});

test.each([
  ["experiments[0].requirements.gpu_memory", "needs", "requirements.gpu_memory"],
  ["experiment.after[1]", "when", "after"],
  ["retry.limit", "failure", "retry"],
  ["set.PATH", "environment", "set"],
  ["config_path", "config", "config_path"],
  ["sweep.axes", "sweep", "sweep"],
  ["tags", "more", "tags"],
  ["name", null, "name"],
])("the engine's complaint about %s is shown there", (field, part, asked) => {
  const form = aForm();
  form.problem = { code: "invalid_input", title: "t", message: "It is wrong.", next: "n", field };
  expect(form.partAtFault).toBe(part);
  expect(form.refused(asked)).toBe("It is wrong.");
  expect(form.refused("elsewhere")).toBe("");
});

test("a sweep is its keys with their values", () => {
  const form = aForm((it) => {
    it.axes = [{ key: "lr", values: "1e-3, 3e-4 1e-4" }, { key: "model", values: '"resnet 50", vit' }, { key: "", values: "1" }];
    it.parallel = "2";
  });
  expect(form.sweep).toEqual({ axes: [{ key: "lr", values: ["1e-3", "3e-4", "1e-4"] }, { key: "model", values: ["resnet 50", "vit"] }] });
  expect(form.summary("sweep")).toBe("lr × 3, model × 2, 2 at once");
  form.random = "5";
  expect(form.sweep?.mode).toEqual({ kind: "random", count: 5, seed: 0 });
});

test.each([
  ["1,2,3", ["1", "2", "3"]],
  ["a  b", ["a", "b"]],
  ["[1, 2] [3]", ["[1, 2]", "[3]"]],
  ["'x y',z", ["x y", "z"]],
  ["", []],
])("values of an axis: %s", (text, values) => expect(axisValues(text)).toEqual(values));

const waiting = anExperiment("w", "queued", { name: "vit", cwd: "/home/user/vit", project: "vit", command: ["python3", "train.py"], requirements: { gpus: 1, gpu_memory: 40 * GIB }, tags: ["a"], not_before: new Date(2030, 0, 2, 3, 4).getTime(), time_limit_ms: 5_400_000 });
const full = aDetail(waiting, { notes: "n", config_path: "base.yaml", config_text: "lr: 1\n", after: [{ uid: "x", name: "x", status: "running", when: "any", standing: "open" }], retry: { limit: 3, delay_ms: 30_000, reasons: ["lost"] } });

test("opened to be changed, nothing has changed yet", () => {
  const form = editing(full);
  expect(form.mode).toBe("edit");
  expect(form.changes()).toEqual({ uid: "w" });
});

test("what the engine writes down as null is empty", () => {
  const nulls = { cpu_cores: null, memory: null, disk: null, gpus: 0, gpu_memory: null, gpu_model: null, gpu_uuids: [], gpu_exclusive: null, estimated_ms: null } as unknown as ExperimentDetail["experiment"]["requirements"];
  const form = editing(aDetail({ ...waiting, requirements: nulls }, { retry: { limit: 1, delay_ms: 30_000, reasons: ["lost", "signal"] } }));
  expect([form.gpus, form.gpuMemory, form.memory, form.estimate, form.exclusive, form.retries]).toEqual(["", "", "", "", "auto", "1"]);
  expect(form.changes()).toEqual({ uid: "w" });
});

test("only what was changed is sent, and what was emptied is cleared", () => {
  const form = editing(full);
  Object.assign(form, { name: "other", gpuMemory: "", notBefore: "", limit: "", priority: "high", configText: "lr: 2\n", tags: "", after: [], group: "g" });
  expect(form.changes()).toEqual({
    uid: "w",
    name: "other",
    requirements: { gpus: 1 },
    not_before: null,
    time_limit_ms: null,
    priority: "high",
    config_text: "lr: 2\n",
    tags: [],
    after: [],
    group: "g",
  });
});

test("of what has ended, only name, tags and notes", () => {
  const form = editing(aDetail({ ...waiting, status: "completed" }));
  expect(form.mode).toBe("notes");
  Object.assign(form, { notes: "good", command: "rm -r x" });
  expect(form.changes()).toEqual({ uid: "w", notes: "good" });
});

test("a copy begins as the other and keeps its config's text", () => {
  const form = editing(full, "copy");
  expect(form.experiment()).toMatchObject({ name: "vit", command: ["python3", "train.py"], requirements: waiting.requirements, config_path: "base.yaml", config_text: "lr: 1\n", time_limit_ms: 5_400_000, tags: ["a"] });
  expect(form.experiment()?.retry).toBeUndefined();
  form.begin({});
  expect([form.mode, form.command], "and leaves nothing for the next new one").toEqual(["new", ""]);
});

test("what was typed for a new one stays when the sheet is closed", () => {
  const form = aForm();
  form.begin({ name: "n" });
  expect([form.command, form.name]).toEqual(["python3 train.py --lr 3e-4", "n"]);
});

test.each([90_000, 5_400_000, 86_400_000 + 3_600_000, 45_000])("%d ms reads back as it is shown", (ms) => expect(timeLimit(durationText(ms))).toBe(ms));

test("a moment is the user's, and a field is the form's", () => {
  const at = new Date(2030, 0, 2, 3, 4).getTime();
  expect(localText(at)).toBe("2030-01-02T03:04");
  expect(plainField("experiments[3].set.A")).toBe("set.A");
});
