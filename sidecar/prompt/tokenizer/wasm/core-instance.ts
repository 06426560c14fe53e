import { SidecarError } from '../../../core/index.ts';
import { coreModule } from './core-module.ts';

const PAGE_BYTES = 1 << 16;

/** An export of the module; numbers that are left out count as 0. */
type Exported = (a?: number, b?: number, c?: number, d?: number) => number;

/** Addresses that wasm/layout.as fixes. */
const ADDRESSES = [
  'BYTE_IDS',
  'CLASSES',
  'DYNAMIC',
  'FILTER',
  'KEY_MASKS',
  'NORMALIZATION_BLOCKS',
  'NORMALIZATION_PARTS',
  'PAIR_RANKS',
  'PREMERGED_BLOCKS',
] as const;

/** Functions that wasm/core.as exports; their parameters are there. */
const FUNCTIONS = [
  'addWholeWord',
  'encode',
  'encodeWords',
  'isInputNfc',
  'setBuffers',
  'setFamily',
  'setScratch',
  'setTables',
  'setWholeWords',
] as const;

/** One instance of the module with a memory of its own. */
export interface CoreInstance {
  readonly memory: WebAssembly.Memory;
  readonly addresses: Readonly<Record<(typeof ADDRESSES)[number], number>>;
  readonly functions: Readonly<Record<(typeof FUNCTIONS)[number], Exported>>;
}

let compiled: WebAssembly.Module | null = null;

const mapNames = <Name extends string, Value>(
  names: readonly Name[],
  create: (name: Name) => Value,
): Readonly<Record<Name, Value>> => {
  const entries = names.map((name): [Name, Value] => [name, create(name)]);
  // Object.fromEntries forgets the names' type; every name has its entry.
  return Object.fromEntries(entries) as Record<Name, Value>;
};

const missing = (name: string): never => {
  throw new SidecarError('internal', `the WebAssembly core lacks ${name}`);
};

/** Whether this Node can run the module: it cannot without a compiler (`--jitless`) or SIMD. */
export const canRunCore = (): boolean =>
  typeof WebAssembly !== 'undefined' && WebAssembly.validate(Buffer.from(coreModule, 'base64'));

/** Instantiates the module, which {@link canRunCore} must allow. */
export const createCoreInstance = (): CoreInstance => {
  compiled ??= new WebAssembly.Module(Buffer.from(coreModule, 'base64'));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    memory,
    addresses: mapNames(ADDRESSES, (name) => {
      const address = exports[name];
      return address instanceof WebAssembly.Global ? Number(address.value) : missing(name);
    }),
    functions: mapNames(FUNCTIONS, (name) => {
      const exported = exports[name];
      if (typeof exported !== 'function') return missing(name);
      return (a = 0, b = 0, c = 0, d = 0) => Number(exported(a, b, c, d));
    }),
  };
};

/** Grows the memory to at least so many bytes. */
export const growTo = (memory: WebAssembly.Memory, bytes: number): void => {
  const more = bytes - memory.buffer.byteLength;
  if (more > 0) memory.grow(Math.ceil(more / PAGE_BYTES));
};
