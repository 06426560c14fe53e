import { SidecarError } from '../../core/index.ts';
import { type Profile, parseProfile } from '../../scheduling/index.ts';
import { type ComparedPolicy, comparedPolicies } from '../comparison.ts';

const named: readonly ComparedPolicy[] = [
  ...comparedPolicies,
  { name: 'random', scheduling: { scorers: [], picker: { type: 'random-picker' } } },
];

/** Names that {@link parsePolicy} knows, besides lists of scorers. */
export const policyNames: readonly string[] = named.map(({ name }) => name);

/** A scorer of a list as a `scheduling` block has it. */
const scorerOf = (text: string): { readonly type: string; readonly weight: number } => {
  const [type = '', weight = '1', ...rest] = text.split(':');
  return { type, weight: rest.length > 0 || weight === '' ? Number.NaN : Number(weight) };
};

/**
 * A policy by its name (`round-robin`, `least-load`, `approximate`, `precise`: the default cost, `random`), or weighted
 * scorers as `precise-prefix-cache-scorer:3,queue-scorer:2`. Throws `invalid-argument` with every mistake.
 */
export const parsePolicy = (text: string): ComparedPolicy => {
  const known = named.find(({ name }) => name === text);
  if (known !== undefined) return known;
  if (!text.includes('-scorer')) {
    throw new SidecarError(
      'invalid-argument',
      `there is no policy "${text}": known are ${policyNames.join(', ')}, and lists as precise-prefix-cache-scorer:3,queue-scorer:2`,
    );
  }
  const scheduling = { scorers: text.split(',').map(scorerOf) };
  profileOf({ name: text, scheduling });
  return { name: text, scheduling };
};

/** A policy's profile, with plugins of its own. Throws `invalid-argument` with every mistake. */
export const profileOf = ({ name, scheduling }: ComparedPolicy): Profile => {
  const parsed = parseProfile(scheduling, { name });
  if (parsed.kind === 'profile') return parsed.profile;
  const mistakes = parsed.mistakes.map(({ path, allowed }) => `${path}: ${allowed}`);
  throw new SidecarError('invalid-argument', `policy "${name}" has mistakes`, { details: { mistakes } });
};
