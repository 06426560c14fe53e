import { canRunModule, compileModule, readFunctions, readGlobals } from '../../wasm/module-parts.ts';
import { coreModule } from './core-module.ts';

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

/** Whether this Node can run the module. */
export const canRunCore = (): boolean => canRunModule(coreModule);

/** Instantiates the module, which {@link canRunCore} must allow. */
export const createCoreInstance = (): CoreInstance => {
  compiled ??= compileModule(coreModule);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { memory, addresses: readGlobals(exports, ADDRESSES), functions: readFunctions(exports, FUNCTIONS) };
};
