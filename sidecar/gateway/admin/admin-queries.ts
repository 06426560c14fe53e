import { z } from 'zod';
import { SidecarError } from '../../core/index.ts';

/** Query of `GET /api/v1/decisions`. */
export const decisionsQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(1).max(10_000))
    .default(50),
});

/** Query of `POST /api/v1/explain`. */
export const explainQuery = z.strictObject({
  path: z.string().startsWith('/', 'must begin with a slash').default('/v1/chat/completions'),
  tokens: z.enum(['true', 'false']).default('false'),
});

const endpointName = z.string().min(1).max(1024);

/** Query of `GET /api/v1/dump`. */
export const dumpQuery = z.strictObject({
  endpoint: z
    .union([endpointName.transform((id) => [id]), z.array(endpointName).max(1000)])
    .nullable()
    .default(null),
  head: z.enum(['true', 'false']).default('false'),
});

/** The checked query, or `invalid-argument` that names each wrong parameter and what is allowed. */
export const parseQuery = <Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> => {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new SidecarError('invalid-argument', `query: ${mistakes.join('; ')}`, { details: { mistakes } });
};
