import { describe, expect, it } from '@jest/globals';
import { SidecarError, silentLogger } from '../../../../sidecar/core/index.ts';
import { createMistakeReporter } from '../../../../sidecar/discovery/kubernetes/mistake-reporter.ts';
import { readService } from '../../../../sidecar/discovery/kubernetes/objects.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { FakeKubernetes } from '../../../support/fake-kubernetes.ts';
import { service } from '../../../support/fake-kubernetes-objects.ts';

const mistaken = (mistakes: readonly string[], name = 'qwen') => {
  const { meta } = readService(service(name));
  return { owner: { kind: 'Service' as const, apiVersion: 'v1', meta }, mistakes, finding: null };
};

const setUp = (api = new FakeKubernetes()) => {
  const clock = createFakeClock();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => warnings.push(message) };
  const { signal } = new AbortController();
  return { clock, api, warnings, reporter: createMistakeReporter({ api, clock, logger, signal }) };
};

const namesOf = (api: FakeKubernetes) =>
  api.created.map(({ body }) => /qwen\.[0-9a-f]{16}/.exec(JSON.stringify(body))?.[0]);

describe('mistake reporter', () => {
  it('writes an Event on the object', async () => {
    const { api, clock, reporter } = setUp();
    reporter.report([mistaken(['warmroute.dev/engine: "x" must be vllm or sglang'])]);
    await clock.advance(0);
    expect(api.created).toEqual([
      {
        path: '/api/v1/namespaces/llm/events',
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: expect.stringMatching(/^qwen\.[0-9a-f]{16}$/), namespace: 'llm' },
          involvedObject: {
            apiVersion: 'v1',
            kind: 'Service',
            name: 'qwen',
            namespace: 'llm',
            uid: 'service-llm-qwen',
          },
          type: 'Warning',
          reason: 'WarmrouteAnnotation',
          message: 'warmroute.dev/engine: "x" must be vllm or sglang',
          source: { component: 'warmroute' },
          firstTimestamp: '2026-01-01T00:00:00Z',
          lastTimestamp: '2026-01-01T00:00:00Z',
          count: 1,
        },
      },
    ]);
  });

  it('names the Event by its content, so that two replicas write the same one', async () => {
    const first = setUp();
    const second = setUp();
    for (const { reporter } of [first, second]) reporter.report([mistaken(['wrong', 'worse'])]);
    await first.clock.advance(0);
    await second.clock.advance(0);
    expect(namesOf(first.api)).toEqual(namesOf(second.api));
    expect(new Set(namesOf(first.api)).size).toBe(2);
  });

  it('is silent about a mistake that stays, until the Event is forgotten after an hour', async () => {
    const { api, clock, warnings, reporter } = setUp();
    for (let minute = 0; minute <= 60; minute += 1) {
      reporter.report([mistaken(['wrong'])]);
      await clock.advance(60_000);
    }
    expect(api.created).toHaveLength(2);
    expect(warnings).toHaveLength(1);
  });

  it('reports a mistake that comes back', async () => {
    const { warnings, reporter } = setUp();
    for (const mistakes of [['wrong'], [], ['wrong']]) reporter.report([mistaken(mistakes)]);
    expect(warnings).toHaveLength(2);
  });

  it('writes 20 Events a minute at most and the rest later', async () => {
    const { api, clock, reporter } = setUp();
    const many = Array.from({ length: 30 }, (_, index) => mistaken(['wrong'], `qwen-${index}`));
    reporter.report(many);
    await clock.advance(0);
    expect(api.created).toHaveLength(20);
    await clock.advance(60_000);
    reporter.report(many);
    await clock.advance(0);
    expect(api.created).toHaveLength(30);
  });

  it('says once which rule is missing where Events may not be written', async () => {
    const { api, clock, warnings, reporter } = setUp();
    api.refuse('/api/v1/namespaces/llm/events', 403);
    reporter.report([mistaken(['wrong', 'worse'])]);
    await clock.advance(0);
    expect(warnings.filter((text) => text.includes('the Role needs verb create on events'))).toHaveLength(1);
  });

  it('is not disturbed by a failure of any kind', async () => {
    class Broken extends FakeKubernetes {
      override async create(): Promise<void> {
        throw new SidecarError('unavailable', 'gone');
      }
    }
    const { clock, reporter } = setUp(new Broken());
    expect(() => reporter.report([mistaken(['wrong'])])).not.toThrow();
    await clock.advance(0);
  });
});
