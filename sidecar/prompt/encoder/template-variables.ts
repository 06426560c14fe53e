import { SidecarError } from '../../core/index.ts';
import { readJson } from '../api/json-reader.ts';
import { isJsonObject, type JsonObject } from '../api/json-value.ts';

/** Template variables from a JSON object's text, as engines take them by flag. Throws `invalid-argument` for other text. */
export const parseTemplateVariables = (text: string): JsonObject => {
  const reading = readJson(text);
  if (reading.kind === 'whole' && isJsonObject(reading.value)) return reading.value;
  throw new SidecarError('invalid-argument', 'template variables must be a JSON object');
};
