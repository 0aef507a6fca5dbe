// Which of a run's metrics stands for it where there is room for one.

/** Columns that count or keep time and say nothing of how well a run does. */
export function isBookkeeping(key: string): boolean {
  return /^(global[_ ]?)?(step|epoch|iter(ation)?s?)$|^(lr|learning[_ ]?rate)\b|(^|[/_ ])(time|seconds|elapsed|wall)([/_ ]|$)|it\/s|throughput/i.test(key.trim());
}

/** The first that looks like a loss on training data, else any loss, else the first. */
export function leading(keys: readonly string[]): string | undefined {
  const telling = keys.filter((it) => !isBookkeeping(it));
  const losses = telling.filter((it) => /loss/i.test(it));
  return losses.find((it) => !/val|test|eval/i.test(it)) ?? losses[0] ?? telling[0] ?? keys[0];
}
