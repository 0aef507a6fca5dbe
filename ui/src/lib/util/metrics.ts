// Which of a run's metrics stands for it where there is room for one.

/** The first that looks like a loss on training data, else any loss, else the first. */
export function leading(keys: readonly string[]): string | undefined {
  const losses = keys.filter((it) => /loss/i.test(it));
  return losses.find((it) => !/val|test|eval/i.test(it)) ?? losses[0] ?? keys[0];
}
