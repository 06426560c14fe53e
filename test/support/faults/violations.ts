import type { FaultFigures } from './measure-scenario.ts';

/** Scenarios in which an engine is killed; what it computes at that moment is not answered. */
const killsEngine = (id: string): boolean => id.startsWith('engine-');

/** What of the product's promises a run did not keep, in words; empty where all were kept. */
export const violationsOf = (figures: FaultFigures): readonly string[] => {
  const { scenario, outside, outsideWrong, settled, falseClaims, failedTurns, noticeMs } = figures;
  const promises: readonly (readonly [kept: boolean, broken: string])[] = [
    [scenario.id === 'none' || noticeMs !== null, 'the fault was not noticed'],
    [outside.wrong === 0, `${outside.wrong} wrong predictions without a fault: ${outsideWrong.join('; ')}`],
    [falseClaims === 0, `an index was called exact that was not, ${falseClaims} times`],
    [failedTurns <= (killsEngine(scenario.id) ? 1 : 0), `${failedTurns} turns failed`],
    [settled.trust === scenario.settles, `trust settles at ${settled.trust}, not ${scenario.settles}`],
    [scenario.settles !== 'exact' || settled.differences === 0, `${settled.differences} blocks differ in the end`],
    [scenario.settles !== 'exact' || settled.wrong === 0, `${settled.wrong} wrong predictions after the repair`],
  ];
  return promises.flatMap(([kept, broken]) => (kept ? [] : [broken]));
};
