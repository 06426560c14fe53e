import type { RequestControl } from '../../../routing/index.ts';
import type { HeaderList } from './header-list.ts';

const maxLength = 1_024;

/** A header's text by the first of its names that is there; null where none is, or its value is empty or overlong. */
const textOf = (headers: HeaderList, ...names: readonly string[]): string | null => {
  for (const name of names) {
    const text = headers.get(name)?.trim();
    if (text !== undefined && text !== '' && text.length <= maxLength) return text;
  }
  return null;
};

const millisecondsOf = (headers: HeaderList, ...names: readonly string[]): number | null => {
  const text = textOf(headers, ...names);
  const value = Number(text);
  return text !== null && Number.isFinite(value) && value >= 0 ? value : null;
};

/**
 * What a request's headers ask of the endpoint picker, by llm-d's names, else by those that Gateway API's inference extension
 * gave them before (llm-d-router, pkg/common/routing); null where they ask nothing.
 */
export const controlOf = (headers: HeaderList): RequestControl | null => {
  const model = textOf(headers, 'x-llm-d-model-name-rewrite', 'x-gateway-model-name-rewrite');
  const objective = textOf(headers, 'x-llm-d-inference-objective', 'x-gateway-inference-objective');
  const fairnessId = textOf(headers, 'x-llm-d-inference-fairness-id', 'x-gateway-inference-fairness-id');
  const sloTtftMs = millisecondsOf(headers, 'x-llm-d-slo-ttft-ms', 'x-slo-ttft-ms');
  const sloTpotMs = millisecondsOf(headers, 'x-llm-d-slo-tpot-ms', 'x-slo-tpot-ms');
  const first = model ?? objective ?? fairnessId ?? sloTtftMs ?? sloTpotMs;
  return first === null ? null : { model, objective, fairnessId, sloTtftMs, sloTpotMs };
};
