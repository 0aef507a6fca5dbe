// What is said of a GPU where there is little room.

import type { Gpu } from "../bindings";

/** The model without the maker, whom everybody knows here. */
export const gpuName = (gpu: Pick<Gpu, "name">): string => gpu.name.replace(/^NVIDIA (GeForce )?/, "").replace(/ Generation$/, "");
