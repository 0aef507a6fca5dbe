// What a metric of the machine is measured in, as people write it.

import type { HistoryUnit } from "../bindings";
import { bytes, count, percent } from "./format";

const WORDS: Record<HistoryUnit, (value: number) => string> = {
  percent,
  bytes,
  bytes_per_second: (value) => `${bytes(value)}/s`,
  watt: (value) => `${count(Math.round(value))} W`,
  celsius: (value) => `${Math.round(value)} °C`,
  megahertz: (value) => `${count(Math.round(value))} MHz`,
};

export const unitWords = (unit: HistoryUnit): ((value: number) => string) => WORDS[unit];
