/** POSTs a value as JSON. */
export const postJson = (url: string, body: unknown): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** An answer's JSON under the shape the test expects of it. */
export const readJson = async <Shape>(response: Response): Promise<Shape> => {
  const value: Shape = JSON.parse(await response.text());
  return value;
};
