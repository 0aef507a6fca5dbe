// What a menu is made of.

import type { IconName } from "../../components/Icon.svelte";

export type MenuItem =
  | {
      kind?: "item";
      label: string;
      icon?: IconName;
      /** The key that does the same. */
      keys?: string[];
      danger?: boolean;
      disabled?: boolean;
      /** One of several, or a switch: whether it is the present one. */
      checked?: boolean;
      run: () => void;
    }
  | { kind: "line" }
  | { kind: "heading"; label: string };
