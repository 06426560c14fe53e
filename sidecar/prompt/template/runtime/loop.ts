import type { StepBudget } from './budget.ts';
import { equal } from './compare.ts';
import { itemsOf } from './sequences.ts';
import { Builtin, fail, type Keywords, PyIterator, PyObject, typeName, type Value } from './values.ts';

/** Renders a recursive loop's body over inner items, at a depth. */
export type Recurse = (items: Value, depth: number) => string;

/**
 * One run of a `for` statement, and what templates see as `loop`. Reads one-time iterators lazily, one item ahead where the
 * body asks for `last` or `nextitem`, as jinja2 does: a loop's condition may depend on what the body did before.
 */
export class Loop extends PyObject {
  readonly typeName = 'LoopContext';
  readonly depth: number;
  /** The current item. */
  current: Value = undefined;
  index0 = -1;

  readonly #budget: StepBudget;
  readonly #recurse: Recurse | null;
  /** All items; null while a one-time iterator is being read. */
  #items: readonly Value[] | null;
  readonly #iterator: Iterator<Value> | null;
  /** Of a one-time iterator: the item read ahead, null where none was. */
  #ahead: { readonly item: Value } | null = null;
  #previous: Value = undefined;
  #changedFrom: readonly Value[] | null = null;

  constructor(
    budget: StepBudget,
    iterable: Value,
    recursion: { readonly recurse: Recurse; readonly depth: number } | null,
  ) {
    super();
    this.#budget = budget;
    this.#recurse = recursion?.recurse ?? null;
    this.depth = recursion?.depth ?? 1;
    this.#items = itemsOf(iterable);
    this.#iterator = this.#items === null ? iteratorOf(iterable) : null;
  }

  /** Moves to the next item; false at the end. */
  next(): boolean {
    const previous = this.current;
    if (this.#items !== null) {
      const next = this.index0 + 1;
      if (next >= this.#items.length) return false;
      this.#previous = previous;
      this.current = this.#items[next];
    } else {
      const ahead = this.#peek();
      if (ahead === null) return false;
      this.#ahead = null;
      this.#previous = previous;
      this.current = ahead.item;
    }
    this.index0 += 1;
    this.#budget.spend();
    return true;
  }

  get index(): number {
    return this.index0 + 1;
  }

  get depth0(): number {
    return this.depth - 1;
  }

  get first(): boolean {
    return this.index0 === 0;
  }

  get last(): boolean {
    return this.#items !== null ? this.index0 === this.#items.length - 1 : this.#peek() === null;
  }

  get length(): number {
    return this.#allItems().length;
  }

  get revindex(): number {
    return this.length - this.index0;
  }

  get revindex0(): number {
    return this.length - this.index;
  }

  get previtem(): Value {
    return this.first ? undefined : this.#previous;
  }

  get nextitem(): Value {
    return this.#items !== null ? this.#items[this.index0 + 1] : this.#peek()?.item;
  }

  override attribute(name: string): Value {
    switch (name) {
      case 'index':
      case 'index0':
      case 'first':
      case 'last':
      case 'length':
      case 'revindex':
      case 'revindex0':
      case 'previtem':
      case 'nextitem':
      case 'depth':
      case 'depth0':
        return this[name];
      case 'cycle':
        return new Builtin((args) => this.#cycle(args));
      case 'changed':
        return new Builtin((args) => this.#hasChanged(args));
      default:
        return undefined;
    }
  }

  override get isCallable(): boolean {
    return true;
  }

  override call(args: readonly Value[], _keywords: Keywords): Value {
    if (this.#recurse === null) return fail("a loop without 'recursive' is not callable");
    return args.length === 1 ? this.#recurse(args[0], this.depth + 1) : fail('a loop is called with one argument');
  }

  override print(): string {
    return `<LoopContext ${this.index}/${this.length}>`;
  }

  #cycle(values: readonly Value[]): Value {
    return values.length === 0 ? fail('no items for cycling') : values[this.index0 % values.length];
  }

  #hasChanged(values: readonly Value[]): boolean {
    const before = this.#changedFrom;
    this.#changedFrom = values;
    return before === null || before.length !== values.length || values.some((value, at) => !equal(value, before[at]));
  }

  #peek(): { readonly item: Value } | null {
    if (this.#ahead === null && this.#iterator !== null) {
      const step = this.#iterator.next();
      this.#ahead = step.done === true ? null : { item: step.value };
    }
    return this.#ahead;
  }

  /** Reads a one-time iterator to its end, from where on it is a list whose earlier items are not kept. */
  #allItems(): readonly Value[] {
    if (this.#items !== null) return this.#items;
    const rest: Value[] = [];
    for (let ahead = this.#peek(); ahead !== null; ahead = this.#peek()) {
      rest.push(ahead.item);
      this.#ahead = null;
    }
    this.#items = [...Array.from({ length: this.index0 + 1 }, (): Value => undefined), ...rest];
    return this.#items;
  }
}

const iteratorOf = (iterable: Value): Iterator<Value> =>
  iterable instanceof PyIterator ? iterable.iterator : fail(`a ${typeName(iterable)} is not iterable`);
