// The text editor for configs. It is large, so it is loaded when the first one is opened.
//
// It lives in a shadow root: there its styles are adopted style sheets, which the window's content security policy
// allows, while in the document it would have to write a <style> element, which the policy refuses.

import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, Prec, type Text } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { minimalSetup } from "codemirror";

import type { ConfigProblem } from "../bindings";

export type Editor = {
  set(text: string): void;
  show(problem: ConfigProblem | null): void;
  focus(): void;
  destroy(): void;
};

// Custom properties reach into the shadow root, so light and dark need nothing here.
const LOOK = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--panel)", fontSize: "12px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", scrollbarWidth: "thin", scrollbarColor: "var(--line2) transparent" },
  ".cm-content": { padding: "6px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 10px 0 6px" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { color: "var(--faint)", backgroundColor: "var(--sunk)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { color: "var(--dim)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 24%, transparent)" },
  ".cm-tooltip": { border: "1px solid var(--line2)", borderRadius: "6px", backgroundColor: "var(--panel)", color: "var(--text)", font: "12px var(--font)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--fail)" },
  ".cm-lintRange-error": { backgroundImage: "none", borderBottom: "2px solid var(--fail)" },
  ".cm-gutter-lint": { width: "12px" },
  ".cm-lint-marker": { width: "8px", height: "8px" },
  ".cm-lint-marker-error": { content: "none", borderRadius: "50%", backgroundColor: "var(--fail)", margin: "5px 2px" },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--run)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--c4)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.meta, tags.labelName, tags.typeName], color: "var(--c2)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--dim)" },
]);

/** Makes an editor inside `parent`; `onchange` is told each text that the user has made. */
export function makeEditor(parent: HTMLElement, text: string, label: string, readOnly: boolean, onchange: (text: string) => void): Editor {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open", delegatesFocus: true });
  const inside = document.createElement("div");
  inside.style.height = "100%";
  root.append(inside);
  const view = new EditorView({
    root,
    parent: inside,
    state: EditorState.create({
      doc: text,
      extensions: [
        // Queues the experiment; the key is the sheet's, and makes no line here.
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => true }])),
        minimalSetup,
        lineNumbers(),
        lintGutter(),
        readOnly ? [] : highlightActiveLine(),
        yaml(),
        indentUnit.of("  "),
        syntaxHighlighting(COLOURS),
        LOOK,
        EditorState.readOnly.of(readOnly),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && update.transactions.some((it) => it.isUserEvent("input") || it.isUserEvent("delete") || it.isUserEvent("undo") || it.isUserEvent("redo") || it.isUserEvent("move"))) {
            onchange(update.state.doc.toString());
          }
        }),
      ],
    }),
  });
  return {
    set(next) {
      if (next !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    show(problem) {
      view.dispatch(setDiagnostics(view.state, problem === null ? [] : [diagnostic(view.state.doc, problem)]));
    },
    focus: () => view.focus(),
    destroy() {
      view.destroy();
      inside.remove();
    },
  };
}

function diagnostic(text: Text, problem: ConfigProblem): Diagnostic {
  const line = text.line(Math.min(Math.max(problem.line, 1), text.lines));
  const from = Math.min(line.from + Math.max(problem.column - 1, 0), line.to);
  return { from: from === line.to ? line.from : from, to: line.to, severity: "error", message: problem.message };
}
