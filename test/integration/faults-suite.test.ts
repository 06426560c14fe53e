import { describe, expect, it } from '@jest/globals';
import { measureScenario } from '../support/faults/measure-scenario.ts';
import { smallRun } from '../support/faults/run-size.ts';
import { faultScenarios } from '../support/faults/scenarios.ts';
import { violationsOf } from '../support/faults/violations.ts';

describe('under constant chats', () => {
  it.each(faultScenarios.map((scenario) => [scenario.fault, scenario] as const))(
    'the fault is noticed and repaired, or trust says that it is not: %s',
    async (_, scenario) => {
      expect(violationsOf(await measureScenario(scenario, smallRun))).toEqual([]);
    },
    60_000,
  );
});
