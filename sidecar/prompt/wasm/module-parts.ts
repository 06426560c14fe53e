import { SidecarError } from '../../core/index.ts';

const PAGE_BYTES = 1 << 16;

const missing = (name: string): never => {
  throw new SidecarError('internal', `a WebAssembly module lacks ${name}`);
};

const mapNames = <Name extends string, Value>(
  names: readonly Name[],
  create: (name: Name) => Value,
): Readonly<Record<Name, Value>> => {
  const entries = names.map((name): [Name, Value] => [name, create(name)]);
  // Object.fromEntries forgets the names' type; every name has its entry.
  return Object.fromEntries(entries) as Record<Name, Value>;
};

/** Whether this Node can run a module given in base64: it cannot without a compiler (`--jitless`) or SIMD. */
export const canRunModule = (base64: string): boolean =>
  typeof WebAssembly !== 'undefined' && WebAssembly.validate(Buffer.from(base64, 'base64'));

/** Compiles a module given in base64, which {@link canRunModule} must allow. */
export const compileModule = (base64: string): WebAssembly.Module =>
  new WebAssembly.Module(Buffer.from(base64, 'base64'));

/** Values of exported globals by name. Throws `internal` where one is missing. */
export const readGlobals = <Name extends string>(
  exports: WebAssembly.Instance['exports'],
  names: readonly Name[],
): Readonly<Record<Name, number>> =>
  mapNames(names, (name) => {
    const value = exports[name];
    return value instanceof WebAssembly.Global ? Number(value.value) : missing(name);
  });

/** Exported functions by name; arguments that are left out count as 0. Throws `internal` where one is missing. */
export const readFunctions = <Name extends string>(
  exports: WebAssembly.Instance['exports'],
  names: readonly Name[],
): Readonly<Record<Name, (a?: number, b?: number, c?: number, d?: number) => number>> =>
  mapNames(names, (name) => {
    const exported = exports[name];
    if (typeof exported !== 'function') return missing(name);
    return (a = 0, b = 0, c = 0, d = 0) => Number(exported(a, b, c, d));
  });

/** Grows a memory to at least so many bytes. */
export const growTo = (memory: WebAssembly.Memory, bytes: number): void => {
  const more = bytes - memory.buffer.byteLength;
  if (more > 0) memory.grow(Math.ceil(more / PAGE_BYTES));
};
