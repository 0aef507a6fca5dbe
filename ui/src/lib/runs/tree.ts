// Settings as a tree: names are joined by points where the files have levels.

import type { RunSetting } from "../bindings";
import { setting } from "./values";

export type Branch = {
  /** The whole name up to here. */
  path: string;
  /** The last part of it. */
  name: string;
  value: string | null;
  kind: "number" | "text" | "flag" | "none" | "branch";
  children: Branch[];
};

export function treeOf(settings: readonly RunSetting[]): Branch[] {
  const roots: Branch[] = [];
  const known = new Map<string, Branch>();
  const place = (path: string): Branch => {
    const found = known.get(path);
    if (found !== undefined) return found;
    const at = path.lastIndexOf(".");
    const made: Branch = { path, name: path.slice(at + 1), value: null, kind: "branch", children: [] };
    known.set(path, made);
    (at < 0 ? roots : place(path.slice(0, at)).children).push(made);
    return made;
  };
  for (const { key, value } of settings) {
    const leaf = place(key);
    leaf.value = setting(value);
    leaf.kind = value === null ? "none" : typeof value === "number" ? "number" : typeof value === "boolean" ? "flag" : "text";
  }
  // A branch with one child and no value of its own is said in one line.
  const joined = (it: Branch): Branch => {
    const children = it.children.map(joined);
    const [only] = children;
    if (it.value === null && children.length === 1 && only !== undefined) return { ...only, name: `${it.name}.${only.name}` };
    return { ...it, children };
  };
  return roots.map(joined);
}

export type TreeLine = { branch: Branch; depth: number };

/** The lines of a tree as they are seen; what is searched for is open with all that leads to it. */
export function linesOf(tree: readonly Branch[], closed: ReadonlySet<string>, text: string): TreeLine[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (it: Branch): boolean => words.every((word) => `${it.path} ${it.value ?? ""}`.toLowerCase().includes(word));
  const any = (it: Branch): boolean => (it.value !== null && fits(it)) || it.children.some(any);
  const lines: TreeLine[] = [];
  const walk = (branches: readonly Branch[], depth: number) => {
    for (const branch of branches) {
      if (words.length > 0 && !any(branch)) continue;
      lines.push({ branch, depth });
      if (words.length > 0 || !closed.has(branch.path)) walk(branch.children, depth + 1);
    }
  };
  walk(tree, 0);
  return lines;
}

/** As a text: one `name: value` a line. */
export const rawOf = (settings: readonly RunSetting[]): string => settings.map(({ key, value }) => `${key}: ${setting(value)}`).join("\n");
