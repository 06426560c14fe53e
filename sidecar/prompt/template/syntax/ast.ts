/** The tree of a parsed template. Language: Jinja 3.1 template designer documentation, with the tags that transformers adds. */

/** A literal as written; integers beyond 2^53 are bigints. */
export type Literal =
  | { readonly type: 'none' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'float'; readonly value: number };

/** Arguments of a call, filter or test: `f(1, b=2, *more, **named)`. */
export interface Arguments {
  readonly positional: readonly Expression[];
  readonly keywords: readonly { readonly name: string; readonly value: Expression }[];
  readonly spread: Expression | null;
  readonly keywordSpread: Expression | null;
}

/** Arithmetic between two operands. */
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Comparisons, which chain as in Python. */
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in';

export interface Comparison {
  readonly operator: ComparisonOperator;
  readonly operand: Expression;
}

/** What gives a value. */
export type Expression =
  | { readonly kind: 'literal'; readonly literal: Literal }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly { readonly key: Expression; readonly value: Expression }[] }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'subscript'; readonly object: Expression; readonly index: Expression }
  | { readonly kind: 'slice'; readonly object: Expression; readonly bounds: SliceBounds }
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: Arguments }
  | FilterExpression
  | { readonly kind: 'test'; readonly operand: Expression; readonly name: string; readonly args: Arguments }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'logical';
      readonly operator: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'concat'; readonly operands: readonly Expression[] }
  | { readonly kind: 'compare'; readonly first: Expression; readonly rest: readonly Comparison[] }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      readonly whenTrue: Expression;
      /** Null where there is no `else`: the value is then undefined. */
      readonly whenFalse: Expression | null;
    };

/** `start:stop:step`; null where left out. */
interface SliceBounds {
  readonly start: Expression | null;
  readonly stop: Expression | null;
  readonly step: Expression | null;
}

/** `operand|name(args)`; the operand is null at the head of a filter chain that takes a block's text. */
export interface FilterExpression {
  readonly kind: 'filter';
  readonly operand: Expression | null;
  readonly name: string;
  readonly args: Arguments;
}

type CallExpression = Extract<Expression, { kind: 'call' }>;

/** What can be assigned to. */
export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'tuple'; readonly items: readonly Target[] }
  | { readonly kind: 'namespace'; readonly name: string; readonly attribute: string };

/** One parameter of a macro or call block; only the last ones have defaults. */
export interface Parameter {
  readonly name: string;
  readonly defaultValue: Expression | null;
}

export interface ForStatement {
  readonly kind: 'for';
  readonly target: Target;
  readonly iterable: Expression;
  readonly test: Expression | null;
  readonly isRecursive: boolean;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[];
}

export interface MacroStatement {
  readonly kind: 'macro';
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface CallBlockStatement {
  readonly kind: 'call-block';
  readonly parameters: readonly Parameter[];
  readonly call: CallExpression;
  readonly body: readonly Statement[];
}

export interface IfBranch {
  readonly test: Expression;
  readonly body: readonly Statement[];
}

/** What does something. */
export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly value: Expression }
  | { readonly kind: 'if'; readonly branches: readonly IfBranch[]; readonly otherwise: readonly Statement[] }
  | ForStatement
  | { readonly kind: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly kind: 'set-block';
      readonly target: Target;
      readonly filter: FilterExpression | null;
      readonly body: readonly Statement[];
    }
  | MacroStatement
  | CallBlockStatement
  | { readonly kind: 'filter-block'; readonly filter: FilterExpression; readonly body: readonly Statement[] }
  | {
      readonly kind: 'with';
      readonly bindings: readonly { readonly target: Target; readonly value: Expression }[];
      readonly body: readonly Statement[];
    }
  | { readonly kind: 'generation'; readonly body: readonly Statement[] }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' };
