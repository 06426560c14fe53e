import { FieldReader } from './field-reader.ts';

// Field numbers of google/protobuf/struct.proto and of envoy.config.core.v3.Metadata.
const filterMetadata = 1;
const mapKey = 1;
const mapValue = 2;
const structFields = 1;
const stringValue = 3;
const listValue = 6;
const listValues = 1;

/** The value of one key in an encoded `map<string, message>`; of several the last, as protobuf has it. */
const lookUp = (message: Buffer, field: number, wanted: string): Buffer | null => {
  let found: Buffer | null = null;
  const fields = new FieldReader(message);
  while (fields.next()) {
    if (fields.field !== field) continue;
    const entry = new FieldReader(fields.bytes());
    let key = '';
    let value: Buffer = Buffer.alloc(0);
    while (entry.next()) {
      if (entry.field === mapKey) key = entry.text();
      else if (entry.field === mapValue) value = entry.bytes();
    }
    if (key === wanted) found = value;
  }
  return found;
};

const readValue = (metadata: Buffer, namespace: string, key: string): Buffer | null => {
  const struct = lookUp(metadata, filterMetadata, namespace);
  return struct === null ? null : lookUp(struct, structFields, key);
};

const stringOf = (value: Buffer): string => {
  let text = '';
  const fields = new FieldReader(value);
  while (fields.next()) if (fields.field === stringValue) text = fields.text();
  return text;
};

/** Strings of a google.protobuf.Value: its own, or those in its list. */
const textsOf = (value: Buffer): readonly string[] => {
  const texts: string[] = [];
  const fields = new FieldReader(value);
  while (fields.next()) {
    if (fields.field === stringValue) texts.push(fields.text());
    if (fields.field !== listValue) continue;
    const values = new FieldReader(fields.bytes());
    while (values.next()) if (values.field === listValues) texts.push(stringOf(values.bytes()));
  }
  return texts;
};

/**
 * Endpoints that the data plane allows, from an encoded envoy.config.core.v3.Metadata: `ip:port` or bare `ip`; null
 * where it says nothing, empty where it allows none. A list, or one comma-separated string where a header-to-metadata
 * filter made it (Endpoint Picker Protocol, "Destination Endpoint Subset").
 */
export const readSubset = (metadata: Buffer): readonly string[] | null => {
  const value = readValue(metadata, 'envoy.lb.subset_hint', 'x-gateway-destination-endpoint-subset');
  if (value === null) return null;
  return textsOf(value)
    .flatMap((text) => text.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '');
};

/** `ip:port` that served, as the data plane reports it with the response's headers; null where it does not. */
export const readServed = (metadata: Buffer): string | null => {
  const value = readValue(metadata, 'envoy.lb', 'x-gateway-destination-endpoint-served');
  const [served] = value === null ? [] : textsOf(value);
  return served === undefined || served === '' ? null : served;
};
