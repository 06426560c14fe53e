import { randomUUID } from 'node:crypto';
import { type Clock, SidecarError } from '../../core/index.ts';
import { dialTcp, type FindingCode, findClosedEventPorts } from '../../discovery/index.ts';
import type { EventTransport } from '../../events/index.ts';
import { type Answer, ask, memberOf } from './ask.ts';
import { type Check, checksOf } from './check.ts';
import { findingCheck } from './discovery-checks.ts';
import { countReplay, type EventWatch, watchPublisher, watchSidecar } from './event-watch.ts';
import type { EngineFacts, Patient } from './subject.ts';

/** What the event checks work with. */
export interface EventCheckContext {
  readonly transport: EventTransport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether a tiny prompt may be sent. */
  readonly mayProbe: boolean;
  /** Base URL of a running sidecar's admin listener, null where none runs. */
  readonly admin: string | null;
}

const publisherMend =
  'start vLLM with --kv-events-config \'{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:5557","replay_endpoint":"tcp://*:5657"}\', or correct "events" (annotation warmroute.dev/events-port)';
const replayMend =
  'give the engine a "replay_endpoint" in --kv-events-config and name it in "replay" (annotation warmroute.dev/replay-port)';
const eventWaitMs = 5_000;
const dialTimeoutMs = 3_000;

/** A prompt nobody sent before, of about three blocks. */
const freshPrompt = (blockSize: number): string =>
  Array.from({ length: Math.ceil((3 * blockSize) / 12) + 1 }, () => randomUUID()).join(' ');

const cachedTokensOf = (answer: Answer): number | null => {
  const usage = answer.kind === 'answered' ? memberOf(answer.json, 'usage') : undefined;
  const cached = memberOf(memberOf(usage, 'prompt_tokens_details'), 'cached_tokens');
  return typeof cached === 'number' ? cached : null;
};

const probeChecks = async (
  { endpoint }: Patient,
  options: { readonly facts: EngineFacts; readonly watch: EventWatch; readonly signal: AbortSignal },
): Promise<readonly Check[]> => {
  const { facts, watch, signal } = options;
  const checks = checksOf(endpoint.id);
  const body = { model: facts.model, prompt: freshPrompt(facts.blockSize ?? 16), max_tokens: 1, temperature: 0 };
  const headers: Readonly<Record<string, string>> = endpoint.hasRanks
    ? { 'x-data-parallel-rank': String(endpoint.rank) }
    : {};
  const send = (): Promise<Answer> => ask(`http://${endpoint.address}/v1/completions`, { body, headers, signal });
  const first = await send();
  if (first.kind === 'unreachable' || first.status !== 200) {
    const detail = first.kind === 'answered' ? `the probe was answered with ${first.status}` : first.why;
    return [checks.failed('events-flowing', detail, 'send a completion to the engine by hand and see what it says')];
  }
  const blockSize = await watch.stored(eventWaitMs);
  const second = await send();
  const cached = cachedTokensOf(second);
  const found: Check[] = [
    blockSize === null
      ? checks.failed('events-flowing', `no event within ${eventWaitMs / 1000} s of a prompt`, publisherMend)
      : checks.passed('events-flowing', 'a prompt was followed by its event'),
  ];
  if (blockSize !== null && blockSize > 0 && facts.blockSize !== null && blockSize !== facts.blockSize) {
    const detail = `events have blocks of ${blockSize} tokens, the metrics say ${facts.blockSize}`;
    found.push(checks.warning('block-size-of-events', detail, 'nothing to do: the size in the events is what counts'));
  }
  if (cached === null) {
    const mend = 'start vLLM with --enable-prompt-tokens-details, so that predictions can be audited';
    found.push(checks.warning('cached-tokens', 'the engine does not report cached_tokens', mend));
  } else if (cached > 0) {
    found.push(checks.passed('cached-tokens', `the same prompt again had ${cached} tokens cached`));
  } else {
    const mend = 'start the engine with --enable-prefix-caching; give it more KV memory if it evicts at once';
    found.push(checks.failed('cached-tokens', 'the same prompt again had nothing cached', mend));
  }
  return found;
};

/** Whether missed events can be fetched. */
const checkReplay = async (
  { endpoint: { id, eventsAddress, replayAddress }, dialsIn }: Patient,
  { transport, clock }: EventCheckContext,
): Promise<readonly Check[]> => {
  const checks = checksOf(id);
  if (replayAddress !== null) {
    const batches = await countReplay(replayAddress, { transport, clock, timeoutMs: 3_000 });
    return typeof batches === 'number'
      ? [checks.passed('replay-answering', `${batches} batches in the buffer`)]
      : [checks.failed('replay-answering', `${replayAddress}: ${batches}`, replayMend)];
  }
  if (eventsAddress === null && !dialsIn) return [];
  const detail = 'none is configured: after a gap or a restart of the sidecar the index is incomplete';
  return [checks.warning('replay-answering', detail, replayMend)];
};

/** Whether events of one endpoint can be had, are complete, and come. */
export const checkEvents = async (
  patient: Patient,
  facts: EngineFacts,
  context: EventCheckContext,
): Promise<readonly Check[]> => {
  const { endpoint, dialsIn } = patient;
  const { transport, clock, signal, mayProbe, admin } = context;
  const { eventsAddress } = endpoint;
  const checks = checksOf(endpoint.id);
  const dialling = { dial: dialTcp, clock, timeoutMs: dialTimeoutMs, signal };
  const closed = dialsIn ? [] : await findClosedEventPorts(endpoint, dialling);
  const isClosed = (code: FindingCode): boolean => closed.some((finding) => finding.code === code);
  const found: Check[] = closed.map(findingCheck);
  if (!isClosed('replay-unreachable')) found.push(...(await checkReplay(patient, context)));
  if (isClosed('events-unreachable')) return found;
  const isDirect = eventsAddress !== null && !dialsIn;
  if (!isDirect && (admin === null || (eventsAddress === null && !dialsIn && !mayProbe))) {
    const detail = dialsIn ? 'engines dial the sidecar; ask it with --admin URL' : 'no events address is known here';
    return [...found, checks.skipped('events-flowing', detail)];
  }
  const watch = isDirect
    ? watchPublisher(endpoint, eventsAddress, { transport, clock })
    : watchSidecar(endpoint, admin ?? '', { signal, clock });
  try {
    if (!(await watch.isListening())) {
      return [...found, checks.failed('events-connected', `${eventsAddress}: nobody publishes there`, publisherMend)];
    }
    if (isDirect) found.push(checks.passed('events-connected', eventsAddress));
    if (!mayProbe)
      return [...found, checks.skipped('events-flowing', 'run with --probe to send one tiny prompt twice')];
    return [...found, ...(await probeChecks(patient, { facts, watch, signal }))];
  } catch (failure) {
    const { message } = SidecarError.from(failure, 'unavailable');
    return [...found, checks.failed('events-connected', message, publisherMend)];
  } finally {
    await watch.close();
  }
};
