// How often something that changes all the time is looked at.

/**
 * Calls `work` soon after `ask`, at most once per `gap` milliseconds and never while it is still under way; what was
 * asked for meanwhile is done once, afterwards. The last change is always looked at.
 */
export function paced(gap: number, work: () => Promise<void> | void): { ask: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let busy = false;
  let stopped = false;
  let last = -Infinity;

  const run = async () => {
    timer = undefined;
    wanted = false;
    busy = true;
    last = performance.now();
    try {
      await work();
    } finally {
      busy = false;
      if (wanted) schedule();
    }
  };
  const schedule = () => {
    if (stopped || busy || timer !== undefined) return;
    timer = setTimeout(() => void run(), Math.max(0, last + gap - performance.now()));
  };
  return {
    ask() {
      wanted = true;
      schedule();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
