import { FieldReader } from '../wire/field-reader.ts';
import { ReverseWriter } from '../wire/reverse-writer.ts';

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
export const servingStatuses = { serving: 1, 'not-serving': 2, 'service-unknown': 3 } as const;

/** State of one service. */
export type ServingStatus = keyof typeof servingStatuses;

/** The service that a grpc.health.v1.HealthCheckRequest asks for; empty: the server as a whole. */
export const decodeHealthRequest = (encoded: Buffer): string => {
  let service = '';
  const fields = new FieldReader(encoded);
  while (fields.next()) if (fields.field === 1) service = fields.text();
  return service;
};

/** A grpc.health.v1.HealthCheckResponse. */
export const encodeHealthResponse = (status: ServingStatus): Buffer => {
  const writer = new ReverseWriter();
  writer.varint(1, servingStatuses[status]);
  return writer.take();
};

/** A grpc.health.v1.HealthListResponse. */
export const encodeHealthList = (statuses: Readonly<Record<string, ServingStatus>>): Buffer => {
  const writer = new ReverseWriter();
  for (const [service, status] of Object.entries(statuses)) {
    const entry = writer.length;
    writer.bytes(2, encodeHealthResponse(status));
    writer.text(1, service);
    writer.nest(1, entry);
  }
  return writer.take();
};
