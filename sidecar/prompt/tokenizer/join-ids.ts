/** Token ids of several stretches, one behind the other. */
export const joinIds = (...stretches: readonly ArrayLike<number>[]): Int32Array => {
  const ids = new Int32Array(stretches.reduce((count, { length }) => count + length, 0));
  let at = 0;
  for (const stretch of stretches) {
    ids.set(stretch, at);
    at += stretch.length;
  }
  return ids;
};
