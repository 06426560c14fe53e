import type { FaultFigures, Spread } from '../support/faults/measure-scenario.ts';

/** Under which circumstances figures were taken. */
export interface RunFacts {
  readonly machine: string;
  /** ISO date. */
  readonly date: string;
  readonly command: string;
}

const time = (ms: number): string => {
  if (ms < 1) return '< 1 ms';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
};

const spread = (times: Spread | null): string => {
  if (times === null) return '–';
  const [median, max] = [time(times.median), time(times.max)];
  return median === max ? median : `${median} (at most ${max})`;
};

const settledCell = ({ scenario, settled }: FaultFigures): string => {
  const { trust, differences, wrong, predictions } = settled;
  const blocks =
    differences === 0
      ? 'index equals engines'
      : `${differences} ${differences === 1 ? 'block differs' : 'blocks differ'}`;
  const says = scenario.settles === 'exact' ? '' : ', and says so';
  return `${trust}${says}; ${blocks}; ${wrong} of ${predictions} wrong`;
};

const row = (figures: FaultFigures): string => {
  const { scenario, noticeMs, repairMs, between } = figures;
  const cells = [
    scenario.fault,
    spread(noticeMs),
    scenario.settles === 'exact' || repairMs !== null ? spread(repairMs) : 'never',
    between.predictions === 0 ? '–' : `${between.wrong} of ${between.predictions}`,
    settledCell(figures),
  ];
  return `| ${cells.join(' | ')} |`;
};

/** First cells of the table's rows, in order. */
export const faultsOfPage = (page: string): readonly string[] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split(' | ')[0]?.slice(2) ?? '');

/** The whole of docs/RELIABILITY.md. */
export const renderPage = (all: readonly FaultFigures[], { machine, date, command }: RunFacts): string => {
  const failed = all.reduce((sum, { failedTurns }) => sum + failedTurns, 0);
  const outside = all.reduce((sum, { outside: { predictions } }) => sum + predictions, 0);
  return `# Reliability

Written by \`${command}\` from one run; do not edit. ${date}, ${machine}; engines, sidecar and chats share that machine.

A router that follows engines' events is right as long as it gets all of them, in order, from the process that it takes them to be
of. Each row breaks that in one way while chats go on, and measures when the sidecar notices, when its index is true again, and how
many predictions were wrong in between.

- Two embedded engines (64 in the last row) with vLLM's block pool, events and replay, 219 blocks of 16 tokens each, so that
  something is evicted all the time; the whole sidecar in front, with the waits and limits it has without any setting; eight
  conversations, one turn at a time, a turn each 20 ms or more. Scenarios and harness: \`test/support/faults\`.
- **Notice**: from the moment a batch is struck (the process killed, the cache cleared) until the stream counts it or lowers trust.
  A dropped batch shows when the next one comes, a run of them when it is over, at the latest at a check 5 s after the last.
- **Repair**: from the same moment until the stream calls itself exact again. It counts only if index and engine, compared block by
  block at the next rest, are equal; a stream that knows of a fault and calls itself exact too early fails the run.
- **Wrong**: the prediction in \`x-warmroute-cached-tokens\` is not what the engine reports as \`cached_tokens\`, of the turns during
  which something was struck and not repaired. Of the ${outside.toLocaleString('en')} turns outside of that, none was wrong in this run, or it would have failed.
- **Settled**: trust of the struck engine in the end, blocks that only index or engine has, and wrong predictions of turns sent
  afterwards.

| fault | time to notice | time to repair | wrong in between | settled |
|---|---|---|---|---|
${all.map(row).join('\n')}

Times are medians over the run, with the longest in brackets. Replays that get no answer are given up after 2 s, three times in a row,
and tried again after 30 to 36 s: that is the time to repair of the rows with a broken replay socket. Turns not answered, since what
computed them was killed at that moment: ${failed}.

\`npm test\` runs the same table with shorter waits (\`test/integration/faults-suite.test.ts\`). Beside it, at the level of streams:
random schedules of every fault against a model of the engine (\`test/unit/events/event-stream.model.test.ts\`), each fault on real
sockets (\`test/integration/events-faults.test.ts\`), calls and silence seen in the traffic (\`test/integration/faults-*.test.ts\`).
`;
};
